"""Daphne with the project behind it, as a process."""

import http.client
import os
import sys
from pathlib import Path

from tests.rig.server_process import ServerProcess

PROJECT = Path(__file__).resolve().parents[2]
# What people run, not the settings of the tests, which the tests' own environment names.
PEOPLES_SETTINGS = {"DJANGO_SETTINGS_MODULE": "realtime_site.settings"}


class Daphne(ServerProcess):
    """Daphne with `realtime_site.asgi:application`, on a free port.

    Args:
        folder: where its log goes.
        env: settings, on top of the environment of the tests.
        name: stem of the log file, for several processes in one folder.
        options: further words of daphne's command line.
        module: stock daphne, or "apps.server": the one that is made fit.
    """

    def __init__(
        self,
        folder: Path,
        env: dict[str, str],
        *,
        name: str = "daphne",
        options: tuple[str, ...] = (),
        module: str = "daphne",
    ) -> None:
        super().__init__(folder, name)
        self.env = env
        self.options = options
        self.module = module

    def command(self) -> list[str]:
        address = ["-b", "127.0.0.1", "-p", str(self.port)]
        return [sys.executable, "-m", self.module, *address, *self.options, "realtime_site.asgi:application"]

    def environment(self) -> dict[str, str]:
        return os.environ | PEOPLES_SETTINGS | self.env

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            return False
        finally:
            connection.close()
        return True

    @property
    def url(self) -> str:
        """Origin of the site, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Origin for WebSockets, without a slash at the end."""
        return f"ws://127.0.0.1:{self.port}"

    def _working_directory(self) -> Path | None:
        return PROJECT
