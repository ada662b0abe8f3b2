"""`manage.py tail` in a process of its own, read line by line as it prints."""

import contextlib
import os
import pty
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT
from tests.rig.waiting import wait_until


class Tail:
    """A running `tail`.

    Args:
        env: the settings of the site whose log it reads.
        words: its command line.
        on_terminal: give it a terminal instead of a pipe for its output.
    """

    def __init__(self, env: dict[str, str], *words: str, on_terminal: bool = False) -> None:
        ours, its = pty.openpty() if on_terminal else os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "tail", *words],
            cwd=PROJECT,
            env=os.environ | PEOPLES_SETTINGS | {"TERM": "xterm"} | env,
            stdin=subprocess.DEVNULL,
            stdout=its,
            stderr=subprocess.PIPE,
        )
        os.close(its)
        assert self.process.stderr is not None
        self.stdout = os.fdopen(ours, "rb")
        self._printed = _Lines(self.stdout)
        self._complaints = _Lines(self.process.stderr)

    def next_line(self) -> str:
        """Wait for the next line on stdout and return it."""
        return self._printed.get(timeout=60)

    def next_complaint(self) -> str:
        """Wait for the next line on stderr and return it."""
        return self._complaints.get(timeout=60)

    def all_complaints(self) -> list[str]:
        """Return the lines on stderr of a `tail` that ended."""
        self._complaints.at_end.wait(60)
        return list(self._complaints.queue)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end and return the exit status."""
        wait_until(lambda: self.process.poll() is not None, "tail to end")
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class _Lines(queue.Queue[str]):
    """The lines of a stream, as they come."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.at_end = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        # A terminal whose other end is gone is an error to read, not an end of file.
        with contextlib.suppress(OSError):
            for line in self._stream:
                self.put(line.decode().rstrip("\r\n"))
        self.at_end.set()


@contextlib.contextmanager
def tailing(env: dict[str, str], *words: str, on_terminal: bool = False) -> Iterator[Tail]:
    """Run `tail` and end it afterwards."""
    tail = Tail(env, *words, on_terminal=on_terminal)
    try:
        yield tail
    finally:
        tail.kill()
