"""The handle of the driver process (`driver.py`)."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from apps.benchmark.machine import children_on

_PROGRAM = Path(__file__).with_name("driver.py")


class DriverFailed(Exception):
    """The driver ended, or could not connect as many clients as were asked for."""


class LoadDriver:
    """A driver in a process of its own.

    Args:
        cores: where it runs.
    """

    def __init__(self, cores: Iterable[int]) -> None:
        with children_on(cores):
            self._process = subprocess.Popen(
                [sys.executable, "-E", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the command, which ends the driver when it has what it wants
            )

    def tell(self, do: str, **order: Any) -> dict[str, Any]:
        """Give an order and return the first line of its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise DriverFailed("the driver has ended; its last words are above") from None
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Return the next line of an answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise DriverFailed("the driver has ended; its last words are above")
        return json.loads(line)

    def connect(self, addresses: list[tuple[str, int]], clients: int, request: str, ready: str) -> float:
        """Connect `clients` clients and return how long that took, in seconds.

        Raises:
            DriverFailed: not all could connect.
        """
        # 32 at a time: fewer than the 50 that stock daphne lets wait.
        order = {"addresses": addresses, "clients": clients, "request": request, "ready": ready, "at_once": 32}
        said = self.tell("connect", **order, pong="Upgrade: websocket" in request)
        if said["connected"] < clients:
            reasons = "; ".join(f"{count} × {reason}" for reason, count in said["failures"].items())
            raise DriverFailed(f"{said['connected']} of {clients} clients could connect ({reasons})")
        return said["seconds"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
