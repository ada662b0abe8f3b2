"""The hints of one process, those together that come while one is on its way."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from apps.events.rest import rest_s


class HintSender:
    """Send hints in one event loop, for publishers in any thread; none of them waits.

    Args:
        send: sends one; must not fail.
        start: runs a coroutine in the loop; called from the publishers' threads.
    """

    def __init__(
        self,
        send: Callable[[Mapping[str, int]], Awaitable[object]],
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._send = send
        self._start = start
        self._heads: dict[str, int] = {}
        self._lock = threading.Lock()
        self._is_idle = threading.Event()
        self._is_idle.set()

    def send_soon(self, heads: Mapping[str, int]) -> None:
        """Hint at the topics of `heads`, each up to its seq, before long."""
        with self._lock:
            for topic, head in heads.items():
                # [race] Two threads that committed 7 and 8 may come as 8 and 7.
                self._heads[topic] = max(head, self._heads.get(topic, 0))
            if not self._is_idle.is_set():
                return
            self._is_idle.clear()
        self._start(self._send_all())

    def wait(self, timeout_s: float) -> None:
        """Return when all is sent, or after `timeout_s` seconds."""
        self._is_idle.wait(timeout_s)

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        while heads := self._taken():
            began = loop.time()
            await self._send(heads)
            await asyncio.sleep(rest_s(loop.time() - began))

    def _taken(self) -> dict[str, int]:
        with self._lock:
            heads, self._heads = self._heads, {}
            if not heads:
                self._is_idle.set()
        return heads
