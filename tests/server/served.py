"""tests/server/app.py under our server, as a process."""

import http.client
import os
import signal
import socket
import sys
from pathlib import Path

import psutil

from tests.rig.daphne import PROJECT
from tests.rig.server_process import ServerProcess
from tests.rig.waiting import wait_until

MIB = 1024 * 1024


class Served(ServerProcess):
    """`python -m apps.server tests.server.app:application` on a free port.

    Args:
        folder: where its log and its marks go.
        module: what to run, for a comparison with stock daphne.
        application: another application than the tests'.
        certificate: listen with TLS; the words of Twisted's `ssl:` endpoint that name the key and the certificate.
        limits: options, such as `stall_s=1.0`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        module: str = "apps.server",
        application: str = "tests.server.app:application",
        certificate: str | None = None,
        **limits: float,
    ) -> None:
        super().__init__(folder, "served")
        self.module = module
        self.application = application
        self.certificate = certificate
        self.limits = limits
        self._marks = folder / "marks"

    def command(self) -> list[str]:
        options = [word for name, value in self.limits.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        listen = ["-p", str(self.port)]
        if self.certificate:
            listen = ["-e", f"ssl:{self.port}:interface=127.0.0.1:{self.certificate}"]
        return [sys.executable, "-m", self.module, *listen, *options, self.application]

    def environment(self) -> dict[str, str]:
        return os.environ | {"MARKS": str(self._marks)}

    def _working_directory(self) -> Path | None:
        return PROJECT

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def marks(self) -> list[str]:
        """What the applications wanted known, a line each."""
        return self._marks.read_text().splitlines() if self._marks.exists() else []

    @property
    def memory_bytes(self) -> int:
        return psutil.Process(self.pid).memory_info().rss

    def wait_for_mark(self, *words: str) -> str:
        """Return the first mark that begins with `words`, waiting for it."""
        start = " ".join(words)

        def find() -> str | None:
            return next((mark for mark in self.marks if mark.startswith(start)), None)

        return wait_until(find, f"the mark {start!r} among {self.marks}")

    def connect(self, request: str = "", *, receive_buffer_bytes: int | None = None) -> socket.socket:
        """Open a connection and send `request` (lines of a head; the rest of the syntax is added)."""
        connection = socket.socket()
        if receive_buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.port))
        if request:
            connection.sendall(request.replace("\n", "\r\n").encode() + b"\r\nHost: localhost\r\n\r\n")
        return connection

    def upgrade(self, path: str, *, receive_buffer_bytes: int | None = None) -> socket.socket:
        """Open a WebSocket and return its socket, behind the handshake's answer."""
        connection = self.connect(
            f"GET {path} HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13",
            receive_buffer_bytes=receive_buffer_bytes,
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            assert byte, f"the server ended the handshake after {head!r}"
            head += byte
        assert head.startswith(b"HTTP/1.1 101"), head
        return connection

    def get(self, path: str) -> http.client.HTTPResponse:
        """Return the answer to a GET over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse()

    def tell_to_stop(self) -> None:
        """Send SIGTERM without waiting for the end."""
        os.kill(self.pid, signal.SIGTERM)

    def wait_for_exit(self) -> int:
        """Return the exit status once the process has ended."""
        assert self._process is not None
        return self._process.wait(30)
