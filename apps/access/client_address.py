"""Where a request comes from.

Only what the server says counts: it takes the address from the connection, or from the header of the proxy in front
where CLIENT_ADDRESS_HEADER names one. Whatever else a client sends about its address is its own claim.
"""

import ipaddress

from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> Address | None:
    """Return the address of the client; None where it came over a Unix socket, or the proxy sent something else."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    # A server that listens on both kinds sees IPv4 clients as ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address
