"""How often, and how much at a time: what one key, user or address may ask of the site.

Rates are shared between processes (`shared_buckets`), caps on open connections count in each.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.conf import settings

from apps.access import shared_buckets
from apps.access.rate import Rate
from apps.access.shared_buckets import Taken

_open: Counter[tuple[str, str]] = Counter()


@dataclass(eq=False)
class TooOften(Exception):
    """Something was asked for more often than its rate allows, or more of it at a time than there may be.

    Args:
        what: "too_often" or "too_many_connections".
        message: what arrived and what is allowed.
        wait_s: when to try again.
        headers: what is left of the rate, where it was one.
    """

    what: str
    message: str
    wait_s: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def retry_after_s(self) -> int:
        """`wait_s` as whole seconds, 1 or more."""
        return max(1, math.ceil(self.wait_s))


@dataclass(frozen=True)
class Allowance:
    """What is left of a rate, for the headers RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers).

    Args:
        name: which one.
    """

    name: str
    rate: Rate
    taken: Taken

    @property
    def policy_header(self) -> str:
        return f'"{self.name}";q={int(self.rate.burst)};w={math.ceil(self.rate.window_s)}'

    @property
    def header(self) -> str:
        missing = self.rate.burst - self.taken.left
        return f'"{self.name}";r={self.taken.left};t={math.ceil(missing / self.rate.per_s)}'

    @property
    def headers(self) -> dict[str, str]:
        return {"RateLimit-Policy": self.policy_header, "RateLimit": self.header}


async def try_take(name: str, subject: str, count: int = 1) -> Allowance | None:
    """Take `count` of what `subject` may do, and return what became of that; None where there is no such limit.

    Args:
        name: a key of settings.RATES.
        subject: a user's id, a key's prefix, an address.
    """
    rate = settings.RATES[name]
    if rate is None:
        return None
    taken = await shared_buckets.current().take(rate, f"realtime:rate:{name}:{subject}", count)
    return Allowance(name, rate, taken)


async def take(name: str, subject: str) -> Allowance | None:
    """As `try_take`.

    Raises:
        TooOften: there is none left.
    """
    allowance = await try_take(name, subject)
    if allowance is not None and allowance.taken.wait_s:
        raise too_often(allowance)
    return allowance


def too_often(allowance: Allowance) -> TooOften:
    """Return what somebody is told who came too often."""
    per_s, burst = allowance.rate.per_s, allowance.rate.burst
    many = f"{per_s:g} a second" if per_s >= 1 else f"{per_s * 60:g} a minute"
    message = f"that was more often than {many} ({int(burst)} at once), counted as {allowance.name}"
    return TooOften("too_often", message, allowance.taken.wait_s, allowance.headers)


@contextlib.contextmanager
def connection(name: str, subject: str) -> Iterator[None]:
    """Hold a place for one open connection of `subject`, in this process.

    Args:
        name: a key of settings.MAX_CONNECTIONS.

    Raises:
        TooOften: there is none.
    """
    most = settings.MAX_CONNECTIONS[name]
    counted = (name, subject)
    if most is not None and _open[counted] >= most:
        message = f"{most} connections are open already, counted as {name}; close some"
        raise TooOften("too_many_connections", message, 5)
    _open[counted] += 1
    try:
        yield
    finally:
        _open[counted] -= 1
        if not _open[counted]:
            del _open[counted]
