"""ASGI lifespan: an application that asks for it is told when the server starts, and when its connections have ended.

Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)


class Lifespan:
    """The lifespan of one application in one process.

    Args:
        application: an ASGI application; one that raises for the scope `lifespan` wants none, and is left alone.
        stop: what ends the server where the application can't start.
    """

    def __init__(self, application: Any, stop: Callable[[], None]) -> None:
        self._application = application
        self._stop = stop
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the application, as soon as `loop` runs, that the server has started."""
        self._messages.put_nowait({"type": "lifespan.startup"})
        self._task = loop.create_task(self._run())

    async def shut_down(self, timeout_s: float) -> None:
        """Tell the application that the server stops, and wait for it for at most `timeout_s`."""
        if self._task is not None and not self._task.done():
            self._messages.put_nowait({"type": "lifespan.shutdown"})
            await asyncio.wait([self._task], timeout=timeout_s)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._application(scope, self._messages.get, self._send)
        except Exception as error:
            logger.debug("The application takes no part in the lifespan: %r", error)

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            logger.error("%s: %s", message["type"], message.get("message", ""))
        if message["type"] == "lifespan.startup.failed":
            self._stop()
