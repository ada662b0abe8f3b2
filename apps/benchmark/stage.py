"""Where measurements happen: servers and backends as processes, each on its core.

The servers come from `tests.rig`, as those of the tests do: the benchmark is run from a checkout, never on a site.
"""

import contextlib
import http.client
import itertools
import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.db import connections

from apps.benchmark.load_driver import LoadDriver
from apps.benchmark.machine import children_on, cores, cpu_s, resident_bytes, threads
from apps.benchmark.peers import PROJECT, Peer, environment
from tests.rig.accounts import READER, SECRET_KEY
from tests.rig.postgresql import PostgreSQL
from tests.rig.server_process import ServerProcess
from tests.rig.site import SiteTemplate
from tests.rig.valkey import Valkey


class PortInUse(Exception):
    """A server can't have the port that was asked for."""


class PeerProcess(ServerProcess):
    """One process of a peer."""

    def __init__(self, folder: Path, peer: Peer, number: int, env: dict[str, str], port: int | None) -> None:
        super().__init__(folder, f"{peer.name}-{number}", port=port)
        self._peer = peer
        self._env = env

    def command(self) -> list[str]:
        return self._peer.command(self.port)

    def environment(self) -> dict[str, str]:
        return self._env

    def _working_directory(self) -> Path | None:
        return PROJECT


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP; header names in small letters."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Subject:
    """A peer that runs, in as many processes as it has."""

    def __init__(self, peer: Peer, processes: Sequence[PeerProcess]) -> None:
        self.peer = peer
        self.processes = processes

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [("127.0.0.1", process.port) for process in self.processes]

    @property
    def cpu_s(self) -> float:
        return sum(cpu_s(process.pid) for process in self.processes)

    @property
    def resident_bytes(self) -> int:
        return sum(resident_bytes(process.pid) for process in self.processes)

    @property
    def threads(self) -> int:
        return max(threads(process.pid) for process in self.processes)

    def request(self, door: str, *headers: str, cursor: str = "") -> str:
        """Return the head of the HTTP request that opens `door`, as a browser on the site would send it."""
        origin = f"127.0.0.1:{self.processes[0].port}"
        lines = [f"GET {self.peer.paths[door].replace('{cursor}', cursor)} HTTP/1.1", f"Host: {origin}", *headers]
        if door == "websocket":
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines += ["Sec-WebSocket-Key: {key}", f"Origin: http://{origin}"]
        if self.peer.is_signed_in:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in READER.cookies().items()))
        return "\r\n".join([*lines, "", ""])

    def publish(self, first: int, events: int, rate_per_s: float, size_bytes: int) -> None:
        """Let the server's timer publish `events` events from number `first` on."""
        order = {"first": first, "events": events, "rate_per_s": rate_per_s, "size_bytes": size_bytes}
        self.ask("POST", "/publish", json.dumps(order))

    def ask(self, method: str, path: str, body: str | None = None) -> Answer:
        """Return what the first process answers."""
        connection = http.client.HTTPConnection(*self.addresses[0], timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            response = connection.getresponse()
            return Answer({name.lower(): value for name, value in response.getheaders()}, response.read())


class Stage:
    """Starts peers afresh for each measurement, and keeps what they share.

    Args:
        folder: an empty one, for files and logs.
        port: the first port that servers listen on; None: free ones.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self._port = port
        found = cores()
        # The servers have the first core to themselves, the driver and the backends share the next.
        self.server_cores = found[:1]
        self.driver_cores = found[1:2] or found[:1]
        self.both_cores = found[:2]
        self._numbers = itertools.count()
        (folder / "template").mkdir(parents=True)
        self._template = SiteTemplate(folder / "template")
        self._postgresql: PostgreSQL | None = None
        self._valkey: Valkey | None = None

    def driver(self) -> LoadDriver:
        """Return a new driver, on its core."""
        return LoadDriver(self.driver_cores)

    @contextlib.contextmanager
    def subject(self, peer: Peer, on_cores: Sequence[int] | None = None) -> Iterator[Subject]:
        """Start a peer on `on_cores` (default: the servers' one) and end it."""
        folder = self.folder / f"{next(self._numbers)}-{peer.name}"
        folder.mkdir(parents=True)
        env = environment() | self.backends(peer) | dict(peer.env)
        if peer.is_ours:
            env |= {"VAR_DIR": str(folder), "SECRET_KEY": SECRET_KEY}
            env.setdefault("DATABASE_URL", self._template.sqlite(folder))
        processes = [PeerProcess(folder, peer, number, env, self._free(number)) for number in range(peer.processes)]
        try:
            with children_on(self.server_cores if on_cores is None else on_cores):
                for process in processes:
                    process.launch()
            for process in processes:
                process.wait_until_ready(60)
            yield Subject(peer, processes)
        finally:
            for process in processes:
                process.kill()

    def backends(self, peer: Peer) -> dict[str, str]:
        """Start what `peer` needs beside it, once for all, and return the settings that say where it is."""
        found = {}
        with children_on(self.driver_cores):
            if "postgresql" in peer.backends:
                if self._postgresql is None:
                    self._postgresql = PostgreSQL(self.folder / "postgresql").start()
                found["DATABASE_URL"] = self._template.postgresql(self._postgresql)
            if "valkey" in peer.backends:
                if self._valkey is None:
                    self._valkey = Valkey(self.folder / "valkey")
                    self._valkey.start()
                found["REDIS_URL"] = self._valkey.url
        return found

    def _free(self, number: int) -> int | None:
        if self._port is None:
            return None
        port = self._port + number
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise PortInUse(
                    f"127.0.0.1:{port} can't be used ({error.strerror}): stop what listens there, "
                    "give another --port, or none, for free ones"
                ) from None
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connections.close_all()
        for server in (self._valkey, self._postgresql):
            if server is not None:
                server.kill()
