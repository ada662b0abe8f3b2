"""What happens once an event is committed: this process's readers get it, those of others a hint, "this topic moved".

A hint carries nothing but the topic and its head, and may be lost: channel layers deliver at most once, and a Redis
that is going down acknowledges and drops. The reader's tick finds what a lost hint left behind, so all a hint saves is
time, and no publish waits for one.
"""

import asyncio
import atexit
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from apps.events import hint_loop
from apps.events.hint_sender import HintSender
from apps.events.logged_event import LoggedEvent
from apps.events.rest import MAX_REST_S

logger = logging.getLogger(__name__)

HINT = "topic.moved"  # the message's type
HINT_TIMEOUT_S = 0.25
# After a hint that could not be sent, publishers of this process send none for this long, or until the reader's
# canary comes back: a hundred publishes a second must not wait a quarter of a second each for a layer that is down.
UNWELL_S = 10.0


class LayerHealth:
    """What this process thinks of the channel layer."""

    def __init__(self) -> None:
        self.failures = 0
        self._unwell_until = 0.0

    @property
    def is_well(self) -> bool:
        return time.monotonic() >= self._unwell_until

    def failed(self, why: str) -> None:
        """Take the layer as unwell for UNWELL_S from now."""
        self.failures += 1
        if self.is_well:
            logger.warning("channel layer unwell (%s): hints are skipped, readers poll the log instead", why)
        self._unwell_until = time.monotonic() + UNWELL_S

    def recovered(self) -> None:
        if not self.is_well:
            logger.warning("channel layer well again")
        self._unwell_until = 0.0


layer_health = LayerHealth()


def no_readers(events: Sequence[LoggedEvent]) -> bool:
    """Take note of `events`, appended here and committed; return whether others will be hinted at them."""
    return False


# The feed puts its own here; a process without one has none to give events to.
hand_over: Callable[[Sequence[LoggedEvent]], bool] = no_readers


def announce_on_commit(events: Iterable[LoggedEvent]) -> None:
    """Tell the readers of this process and of others of `events` once the current transaction has committed."""
    events = list(events)
    # robust: the event is in the log by then; no failure of the layer may turn that into an error. A lambda, since
    # Django reports the failure by the function's __qualname__, which a partial lacks.
    transaction.on_commit(lambda: _announce(events), robust=True)


def reaches_others() -> bool:
    """Return whether the channel layer leads to other processes: the in-memory one ends in this one."""
    return type(get_channel_layer()) is not InMemoryChannelLayer


def heads_of(events: Iterable[LoggedEvent]) -> dict[str, int]:
    """Return the last seq of each topic in `events`, topics sorted."""
    return dict(sorted((event.topic, event.seq) for event in events))


def _announce(events: Sequence[LoggedEvent]) -> None:
    if not hand_over(events):
        hint_soon(events, _sender)


def hint_soon(events: Iterable[LoggedEvent], sender: HintSender) -> None:
    """Have `sender` hint at `events`, if there is anybody to hear it."""
    if layer_health.is_well and reaches_others():
        sender.send_soon(heads_of(events))


async def hint(heads: Mapping[str, int | None]) -> bool:
    """Hint at the topics of `heads` now; return whether the layer took it, within HINT_TIMEOUT_S.

    Args:
        heads: the seq up to which each topic is known to go; None: it is not known.
    """
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(HINT_TIMEOUT_S):
            for topic, head in heads.items():
                await layer.group_send(topic, {"type": HINT, "topic": topic, "head": head})
    # Whatever a layer raises (Redis, sockets, its serialiser), the event is committed and the tick will find it.
    except Exception as error:
        layer_health.failed(f"a hint could not be sent: {type(error).__name__} {error}")
        return False
    return True


async def hint_if_well(heads: Mapping[str, int]) -> None:
    """Hint at the topics of `heads`, unless the layer was found unwell meanwhile."""
    if layer_health.is_well:
        await hint(heads)


def _make_sender() -> None:
    global _sender
    _sender = HintSender(hint_if_well, hint_loop.start)


_sender: HintSender
_make_sender()
# What the parent was sending, the parent sends.
os.register_at_fork(after_in_child=_make_sender)
# A command that publishes ends with its publish.
atexit.register(lambda: _sender.wait(HINT_TIMEOUT_S + MAX_REST_S))
