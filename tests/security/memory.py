"""How much memory an attack costs the processes of a site."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.faults.rig import Rig

MIB = 1024 * 1024
_EVERY_S = 0.02


class Memory:
    """The most that each process has grown since `watched` began."""

    def __init__(self, rig: Rig) -> None:
        self._processes = {process.name: psutil.Process(process.pid) for process in (*rig.web, rig.caddy)}
        self._before = self._now()
        self._most = dict(self._before)

    @property
    def grown_mib(self) -> dict[str, float]:
        """Process -> MiB."""
        return {name: (most - self._before[name]) / MIB for name, most in self._most.items()}

    def look(self) -> None:
        for name, size in self._now().items():
            self._most[name] = max(self._most[name], size)

    def _now(self) -> dict[str, int]:
        return {name: process.memory_info().rss for name, process in self._processes.items()}


@contextmanager
def watched(rig: Rig) -> Iterator[Memory]:
    """Look at the memory of every process of `rig` fifty times a second, for as long as the block runs."""
    memory = Memory(rig)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY_S):
            memory.look()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield memory
    finally:
        ended.set()
        watching.join()
        memory.look()
