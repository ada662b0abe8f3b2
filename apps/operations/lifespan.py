"""What a process does from its start on, asked or not: read the log, and answer the roll call."""

from collections.abc import Awaitable, Callable
from typing import Any

from apps.events import feed
from apps.operations import roll_call


async def lifespan(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Serve the ASGI scope `lifespan`; under a server that has none, the first probe or reader starts the same."""
    await receive()
    feed.current().start()
    roll_call.current().start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await roll_call.current().aclose()
    await feed.current().aclose()
    await send({"type": "lifespan.shutdown.complete"})
