"""A server in a process of its own, which a test can stop, kill, freeze and start again."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.rig.ports import free_port
from tests.rig.waiting import wait_until


class ServerProcess:
    """One server on a free port of 127.0.0.1; it keeps that port over `stop` and `start`.

    Args:
        folder: where its log goes, and whatever else it keeps.
        name: stem of the log file.
        port: a fixed port instead of a free one.
    """

    def __init__(self, folder: Path, name: str, *, port: int | None = None) -> None:
        self.folder = folder
        self.name = name
        self.port = port or free_port()
        self.log_path = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return the command line; the server stays in the foreground."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the server."""
        return dict(os.environ)

    def user(self) -> str | None:
        """Return the system user to run as; None: whoever runs the tests."""
        return None

    def is_ready(self) -> bool:
        """Say whether the server answers; called repeatedly after a start."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything the server printed, over all its starts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self, timeout_s: float = 120.0) -> Self:
        """Start the server and return once it answers; do nothing if it runs.

        Raises:
            RuntimeError: it ended before it answered; its log is in the message.
            TimeoutError: it runs but does not answer.
        """
        self.launch()
        self.wait_until_ready(timeout_s)
        return self

    def launch(self) -> None:
        """Start the server without waiting for it, so that several start at once; do nothing if it runs."""
        if self.running:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            # A process group of its own: Ctrl-C reaches the tests first, which then stop the servers in order.
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                cwd=self._working_directory(),
                user=self.user(),
                start_new_session=True,
            )

    def wait_until_ready(self, timeout_s: float = 120.0) -> None:
        """Return once the server answers; raises what `start` does."""
        try:
            wait_until(self._answers, f"{self.name} to answer on port {self.port}", timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log}") from None

    def stop(self, timeout_s: float = 30.0) -> int | None:
        """Ask the server to end (SIGTERM) and return its exit status; None if it did not run.

        Raises:
            TimeoutError: it still runs after `timeout_s`; it has been killed then.
        """
        return self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash would."""
        self._end(signal.SIGKILL, 30.0)

    def freeze(self) -> None:
        """Stop the server's clock (SIGSTOP), its children's too: it keeps its connections and answers none."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            self.thaw()
        self.stop()

    def _working_directory(self) -> Path | None:
        return None

    def _answers(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended with status {self._exit_status()} before it answered:\n{self.log}")
        return self.is_ready()

    def _exit_status(self) -> int | None:
        return self._process.returncode if self._process else None

    def _signal_all(self, number: signal.Signals) -> None:
        # By parentage, not by process group: PostgreSQL's backends leave the group.
        for process in (server := psutil.Process(self.pid), *server.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend may end at any moment
                process.send_signal(number)

    def _end(self, number: signal.Signals, timeout_s: float) -> int | None:
        if self._process is None or not self.running:
            return None
        self._process.send_signal(number)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise TimeoutError(f"{self.name} still ran {timeout_s:g} s after {number.name}:\n{self.log}") from None
