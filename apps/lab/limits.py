"""What keeps a public lab from becoming a load test of the site.

Who a visitor is, a cookie says, and anybody gets another one by loading the page again. So what is asked for counts for
its address too, in all processes together; the rest counts in one process.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from apps.access import limits
from apps.access.limits import TooOften
from apps.chat.token_bucket import TokenBucket
from apps.transports.refusal import Refusal, too_much

RATE_PER_S = (1, 200)
DURATION_S = (1, 60)
SIZE_BYTES = (200, 4096)  # of an event on the wire; less does not hold topic, seq and time
BURST_EVENTS = 100
FAULT_S = (1, 30)

_ACTIONS_PER_VISITOR = (20, 1.0)  # at once, and a second in the long run
_ACTIONS_PER_PROCESS = (200, 20.0)
_VISITORS_KNOWN = 1_000
_CONNECTIONS_PER_VISITOR = 16  # five lanes, and those that are on their way out while others come in
_CONNECTIONS_PER_PROCESS = 400
_EVENTS_PER_S_AND_PROCESS = 400

_actions: OrderedDict[str, TokenBucket] = OrderedDict()
_actions_of_all = TokenBucket(*_ACTIONS_PER_PROCESS)
_connections: Counter[str] = Counter()
# What publishes right now: visitor -> events a second, and until when (time.monotonic()).
_publishing: dict[str, tuple[int, float]] = {}


async def take_action(visitor: str, address: str) -> None:
    """Count something a visitor asked for: a run, an event, a fault.

    Args:
        address: what the visitor's is counted under.

    Raises:
        Refusal: 429, that is too often.
    """
    try:
        # First: who is refused here takes nothing of what is there for everybody.
        await limits.take("lab_address", address)
    except TooOften as error:
        raise too_much(error) from None
    bucket = _actions.setdefault(visitor, TokenBucket(*_ACTIONS_PER_VISITOR))
    _actions.move_to_end(visitor)
    if len(_actions) > _VISITORS_KNOWN:
        _actions.popitem(last=False)
    wait_s = bucket.take() or _actions_of_all.take()
    if wait_s:
        raise _too_much("too_often", "the lab was asked for more than it does in a second", wait_s)


@contextmanager
def connection(visitor: str) -> Iterator[None]:
    """Hold a place for one connection of a visitor.

    Raises:
        Refusal: 429, there is none.
    """
    if _connections[visitor] >= _CONNECTIONS_PER_VISITOR:
        message = f"{_CONNECTIONS_PER_VISITOR} connections of yours are in the lab; close its other tabs"
        raise _too_much("too_many_connections", message, 5)
    if _connections.total() >= _CONNECTIONS_PER_PROCESS:
        raise _too_much("lab_full", "the lab is full", 10)
    _connections[visitor] += 1
    try:
        yield
    finally:
        _connections[visitor] -= 1
        if not _connections[visitor]:
            del _connections[visitor]


@contextmanager
def publishing(visitor: str, rate_per_s: int, duration_s: float) -> Iterator[None]:
    """Hold a place for a steady rate of a visitor's.

    Raises:
        Refusal: 429, one is running, or all rates together would be too much.
    """
    now = time.monotonic()
    if visitor in _publishing:
        message = "a steady rate of yours is running already; let it end"
        raise _too_much("already_publishing", message, _publishing[visitor][1] - now)
    if sum(rate for rate, _ in _publishing.values()) + rate_per_s > _EVENTS_PER_S_AND_PROCESS:
        soonest = min(until for _, until in _publishing.values())
        message = f"other visitors' rates leave no room for {rate_per_s} events a second"
        raise _too_much("lab_busy", message, soonest - now)
    _publishing[visitor] = (rate_per_s, now + duration_s)
    try:
        yield
    finally:
        del _publishing[visitor]


def _too_much(code: str, message: str, wait_s: float) -> Refusal:
    seconds = max(1, ceil(wait_s))
    return Refusal(429, code, message, f"try again in {seconds} s", retry_after_s=seconds)
