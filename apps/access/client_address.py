"""Where a request comes from.

Only what the server says counts: it takes the address from the connection, or from the header of the proxy in front
where CLIENT_ADDRESS_HEADER names one. Whatever else a client sends about its address is its own claim.
"""

import functools
import ipaddress
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
UNKNOWN = "unknown"


def client_address(request: HttpRequest) -> Address | None:
    """Return the address of the client; None where it came over a Unix socket, or the proxy sent something else."""
    return _address(request.META.get("REMOTE_ADDR", ""))


def counted_address(scope: Mapping[str, Any]) -> str:
    """Return what the client of an ASGI scope is counted under, see `counted_as`."""
    client = scope.get("client")
    return counted_as(client[0]) if client else UNKNOWN


@functools.lru_cache(maxsize=10_000)
def counted_as(text: str) -> str:
    """Return what a client with the address `text` is counted under: an address of IPv4, or a network of IPv6 (a /64).

    Those whose address is not known are counted together.
    """
    address = _address(text)
    if address is None:
        return UNKNOWN
    network = network_address(address)
    return f"{network}/64" if network.version == 6 else str(network)


def network_address(address: Address) -> Address:
    """Return what stands for all addresses of a client: of IPv4 its own, of IPv6 the first of its /64.

    Whoever has one address of IPv6 has all of its network.
    """
    if isinstance(address, ipaddress.IPv6Address):
        return ipaddress.IPv6Address(address.packed[:8] + bytes(8))
    return address


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A server that listens on both kinds sees IPv4 clients as ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address
