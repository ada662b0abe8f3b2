"""`manage.py serve`: says where to open the site, and what is wrong in one line."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command
from twisted.internet.error import CannotListenError

from apps.server.management.commands.serve import listen_failure
from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT, Daphne
from tests.rig.waiting import wait_until


class _ServeCommand(Daphne):
    """`manage.py serve`, or another command of the server."""

    words: tuple[str, ...] = ("serve",)

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", *self.words]

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PORT": str(self.port)}

    def is_ready(self) -> bool:
        return super().is_ready() or self._is_listening()

    def _is_listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class _RunserverCommand(_ServeCommand):
    @property
    def words(self) -> tuple[str, ...]:  # type: ignore[override]
        return "runserver", "--noreload", f"127.0.0.1:{self.port}"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"VAR_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/site.sqlite3", "REDIS_URL": ""}


def test_serve_says_where_to_open_it_and_stops_on_demand(tmp_path: Path, env: dict[str, str]) -> None:
    server = _ServeCommand(tmp_path, env | {"HOST": "0.0.0.0"}).start()
    # An address that can be opened, which 0.0.0.0 is not.
    # It listens a moment before it says so.
    wait_until(lambda: f"Open http://127.0.0.1:{server.port}/\n" in server.log, "the server to say where it is")
    assert "0.0.0.0" not in server.log
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_runserver_is_on_the_server_too(tmp_path: Path, env: dict[str, str]) -> None:
    server = _RunserverCommand(tmp_path, env).start()
    # Stock daphne ends by the signal itself, or with the reactor's own handler; the drain says that it is ours.
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
    assert connection.recv(100).startswith(b"HTTP/1.1 413")
    connection.close()
    assert server.stop() == 0


@pytest.mark.parametrize("noreload", [["--noreload"], []], ids=["noreload", "reload"])
def test_runserver_says_what_is_wrong_with_its_port_and_ends(
    tmp_path: Path, env: dict[str, str], noreload: list[str]
) -> None:
    (tmp_path / "static").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "runserver", *noreload, f"127.0.0.1:{port}"],
            cwd=PROJECT,
            env=os.environ | PEOPLES_SETTINGS | env | {"LOG_LEVEL": "WARNING"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == os.EX_UNAVAILABLE
    # The reloader says before it that it watches, whatever the level.
    assert [line for line in done.stderr.splitlines() if "autoreload" not in line] == [
        f"CommandError: 127.0.0.1:{port} is in use. Stop the other program, or choose another port: "
        f"runserver 127.0.0.1:{port + 1}."
    ]


def test_runserver_believes_the_header_of_the_proxy(tmp_path: Path, env: dict[str, str]) -> None:
    known = {"CLIENT_ADDRESS_HEADER": "X-Real-IP", "ADMIN_ADDRESSES": "192.0.2.7", "DEBUG": "true"}
    with _RunserverCommand(tmp_path, env | known) as server:
        statuses = [
            httpx.get(f"{server.url}/admin/", headers={"X-Real-IP": address}, timeout=60).status_code
            for address in ("192.0.2.7", "192.0.2.8")
        ]
    assert statuses == [302, 403]  # to the form for signing in, and no further


def test_host_of_another_machine_is_one_clear_line() -> None:
    error = CannotListenError("192.0.2.1", 8000, OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"))
    assert str(listen_failure(error, "192.0.2.1", 8000)) == (
        "192.0.2.1:8000 is not an address of this machine. Choose another host, such as --host 127.0.0.1."
    )


@pytest.mark.parametrize("wrong", ["eighty", "70000", "-1", "8 000", "８０"])
def test_port_that_is_no_port_is_one_clear_line(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=f"--port is '{wrong}'; it has to be a number from 0 to 65535"):
        call_command("serve", port=wrong)
    monkeypatch.setenv("PORT", wrong)
    with pytest.raises(CommandError, match=f"PORT is '{wrong}'; it has to be a number from 0 to 65535"):
        call_command("serve")
