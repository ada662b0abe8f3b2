"""How often the API may be asked, and what is left of that, told in headers.

See draft-ietf-httpapi-ratelimit-headers for RateLimit and RateLimit-Policy.
"""

import asyncio

from django.http import HttpRequest, HttpResponseBase

from apps.access import limits
from apps.access.client_address import counted_as
from apps.access.identity import Identity
from apps.access.limits import Allowance, TooOften, too_often
from apps.api.key_identity import publisher_of
from apps.transports.refusal import Refusal

# Counting waits for Redis 250 ms at most; a loop that is that late has another problem than rates.
_LATEST_S = 5.0


async def begin(request: HttpRequest) -> None:
    """Count a request for its address, before anything is asked of the database for it.

    Raises:
        Refusal: 429, the address asks too often.
    """
    # The buckets belong to the event loop, and an operation runs in another thread.
    request.__dict__["_loop"] = asyncio.get_running_loop()
    address = counted_as(request.META.get("REMOTE_ADDR", ""))
    _settle(request, await limits.try_take("api_address", address))


def count(request: HttpRequest, name: str, identity: Identity, times: int = 1) -> None:
    """Count a request for the key that it came with, itself or its token, or else for its user.

    Call it in an operation's thread.

    Args:
        name: which limit, of settings.RATES.
        times: as how many it counts.

    Raises:
        Refusal: 429, that is too often.
    """
    taking = asyncio.run_coroutine_threadsafe(
        limits.try_take(name, publisher_of(identity), times), request.__dict__["_loop"]
    )
    _settle(request, taking.result(_LATEST_S))


def tell(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Put what is left of the last limit that was looked at into the headers of `response`."""
    allowance: Allowance | None = request.__dict__.get("_allowance")
    if allowance is not None:
        for name, value in allowance.headers.items():
            response[name] = value
    return response


def _settle(request: HttpRequest, allowance: Allowance | None) -> None:
    if allowance is None:
        return
    request.__dict__["_allowance"] = allowance
    if allowance.taken.wait_s:
        raise _refusal(too_often(allowance))


def _refusal(error: TooOften) -> Refusal:
    seconds = error.retry_after_s
    return Refusal(429, "too_often", error.message, f"try again in {seconds} s", retry_after_s=seconds)
