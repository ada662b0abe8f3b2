"""An event loop for publishers that have none: commands, scripts, threads of a program's own.

asgiref makes a loop for each call from such a place, and ends it with the call: with Redis, a connection for each hint,
and 2.6 ms of processor time. This one is made once a process, and keeps its connection: 0.3 ms.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any

_making = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_pid = 0


def start(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run `coroutine`, which ends by itself, in the loop of this process, and don't wait for it."""
    asyncio.run_coroutine_threadsafe(coroutine, _running_loop())


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop, _pid
    with _making:
        # A fork takes the loop along, but not the thread that runs it.
        if _loop is None or _pid != os.getpid():
            _loop, _pid = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="hints", daemon=True).start()
        return _loop
