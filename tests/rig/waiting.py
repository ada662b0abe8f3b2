"""Wait for a condition, never for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

_PAUSE_S = 0.02


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Call `condition` until it answers something true, and return that.

    The limit is for a condition that never comes true; it is no measure of speed, so leave it generous.

    Raises:
        TimeoutError: nothing true within `timeout_s`; names `what` was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain: {what}")
        time.sleep(_PAUSE_S)
    return answer


async def await_until(condition: Callable[[], Any | Awaitable[Any]], what: str, timeout_s: float = 60.0) -> Any:
    """Do as `wait_until` does without blocking the event loop; `condition` may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain: {what}")
        await asyncio.sleep(_PAUSE_S)
