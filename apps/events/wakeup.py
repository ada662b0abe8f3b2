"""Hints: "this topic moved", sent on commit through the channel layer.

A hint carries nothing but the topic, and may be lost: channel layers deliver at most once, and a Redis that is going
down acknowledges and drops. The reader's tick finds what a lost hint left behind, so all a hint saves is time, and a
publish never waits for one longer than HINT_TIMEOUT_S.
"""

import asyncio
import logging
import time
from collections.abc import Iterable

from asgiref.sync import SyncToAsync, async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from apps.events import hint_loop

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
# Topics that this process appended to and its reader has not looked at since.
unread: set[str] = set()


def hint_on_commit(topics: Iterable[str]) -> None:
    """Hint at `topics` once the current transaction has committed."""
    topics = list(topics)
    # robust: the event is in the log by then; no failure of the layer may turn that into an error. A lambda, since
    # Django reports the failure by the function's __qualname__, which a partial lacks.
    transaction.on_commit(lambda: _send_hints(topics), robust=True)


def _send_hints(topics: list[str]) -> None:
    unread.update(topics)
    if not layer_health.is_well:
        return
    # Of a thread that serves an event loop, the hint is sent in that loop: there the in-memory layer has its readers.
    serving = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
    if serving is not None and serving.is_running():
        async_to_sync(hint)(topics)
    else:
        hint_loop.run(hint(topics))


async def hint(topics: Iterable[str]) -> bool:
    """Hint at `topics` now; return whether the layer took it, within HINT_TIMEOUT_S."""
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(HINT_TIMEOUT_S):
            for topic in topics:
                await layer.group_send(topic, {"type": HINT, "topic": topic})
    # Whatever a layer raises (Redis, sockets, its serialiser), the event is committed and the tick will find it.
    except Exception as error:
        layer_health.failed(f"a hint could not be sent: {type(error).__name__} {error}")
        return False
    return True
