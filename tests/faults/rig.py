"""The site as it is deployed, as plain processes on loopback: Caddy, web processes, Valkey and PostgreSQL."""

import contextlib
import http.client
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psutil
import psycopg

from tests.rig.accounts import SECRET_KEY
from tests.rig.daphne import PROJECT, Daphne
from tests.rig.postgresql import PostgreSQL
from tests.rig.server_process import ServerProcess
from tests.rig.site import SiteTemplate
from tests.rig.valkey import Valkey

# So that a dead stream is noticed after 5 s; people's sites have 15.
HEARTBEAT_S = 2.0


class WebProcess(Daphne):
    """`manage.py serve` on a free port."""

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "serve", "--port", str(self.port), *self.options]

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            # A door, and not a page: pages need collected static files.
            connection.request("GET", "/feed/poll?topic=lab.ready&after=now")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def memory_bytes(self) -> int:
        """How much of the machine's memory it takes."""
        return psutil.Process(self.pid).memory_info().rss

    @property
    def busy_s(self) -> float:
        """How many seconds of processor time it has taken."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    @property
    def open_files(self) -> int:
        return psutil.Process(self.pid).num_fds()

    def open_connections(self, doors: Iterable[str]) -> int:
        """Return how many connections it has open at `doors`, as it says itself; it does not count who asks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            told = connection.getresponse().read().decode()
        found = dict(re.findall(r'^realtime_open_connections\{door="(\w+)"\} (\S+)$', told, re.MULTILINE))
        return sum(int(float(found.get(door, 0))) for door in doors)


class Caddy(ServerProcess):
    """Caddy with deploy/Caddyfile; only its upstreams differ, which are ports here and names there."""

    def __init__(self, folder: Path, upstreams: list[int]) -> None:
        super().__init__(folder, "caddy")
        folder.mkdir(parents=True, exist_ok=True)
        text = (PROJECT / "deploy" / "Caddyfile").read_text()
        addresses = " ".join(f"127.0.0.1:{port}" for port in upstreams)
        text, found = re.subn(r"dynamic a \{[^}]*\}", f"to {addresses}", text)
        assert found == 1, "deploy/Caddyfile has no `dynamic a` to replace"
        # Its administration listens on a fixed port, which another rig may have.
        text = re.sub(r"^\{$", "{\n\tadmin off\n\tpersist_config off", text, count=1, flags=re.MULTILINE)
        (folder / "Caddyfile").write_text(text)

    def command(self) -> list[str]:
        caddy = Path(sys.executable).with_name("caddy")
        return [str(caddy), "run", "--config", str(self.folder / "Caddyfile"), "--adapter", "caddyfile"]

    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "SITE_ADDRESS": f"http://127.0.0.1:{self.port}"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Rig:
    """A running site of several processes.

    Args:
        folder: an empty folder for its files and logs.
        web: how many web processes, 1 or more.
        env: further settings of the web processes.
        env_of: further settings of single ones, by number from 0.
        options: further words of `manage.py serve`.
        heartbeat_s: FEED_HEARTBEAT_S of the site; by default short, so that a dead stream is noticed soon.
        template: what its database is a copy of, with `postgresql`, a running server that outlives the rig; by
            default it has its own.
        pages: whether it has static files, which take a while to collect; without them it serves everything but pages.
    """

    def __init__(
        self,
        folder: Path,
        *,
        web: int = 3,
        env: Mapping[str, str] | None = None,
        env_of: Mapping[int, Mapping[str, str]] | None = None,
        options: tuple[str, ...] = (),
        heartbeat_s: float = HEARTBEAT_S,
        postgresql: PostgreSQL | None = None,
        template: SiteTemplate | None = None,
        pages: bool = False,
    ) -> None:
        self.folder = folder
        self._running = ExitStack()
        self.postgresql = postgresql or PostgreSQL(folder / "postgresql")
        self._owns_postgresql = postgresql is None
        self._template = template or SiteTemplate(folder / "template")
        self.valkey = Valkey(folder / "valkey")
        self.web: list[WebProcess] = []
        self._web_count, self._extra_env, self._env_of = web, dict(env or {}), env_of or {}
        self._options, self.heartbeat_s, self._has_pages = options, heartbeat_s, pages
        self.database_url = ""

    def __enter__(self) -> Self:
        try:
            if self._owns_postgresql:
                self._running.enter_context(self.postgresql)
            self._running.enter_context(self.valkey)
            self.database_url = self._template.postgresql(self.postgresql)
            self.env = {
                "VAR_DIR": str(self.folder / "var"),
                "DATABASE_URL": self.database_url,
                "REDIS_URL": self.valkey.url,
                "SECRET_KEY": SECRET_KEY,
                "FEED_HEARTBEAT_S": str(self.heartbeat_s),
                "LOG_LEVEL": "WARNING",
                "CLIENT_LIMITS": "false",  # thousands come from one address here
                **self._extra_env,
            }
            static = self.folder / "var" / "static"
            static.parent.mkdir(parents=True)
            if self._has_pages:
                static.symlink_to(self._template.static_files())
            else:
                static.mkdir()
            self.web = [
                WebProcess(
                    self.folder,
                    {**self.env, **self._env_of.get(number, {})},
                    name=f"web-{number}",
                    options=self._options,
                )
                for number in range(self._web_count)
            ]
            for process in self.web:
                process.launch()
                self._running.callback(_end, process)
            for process in self.web:
                process.wait_until_ready()
            caddy = Caddy(self.folder / "caddy", [process.port for process in self.web])
            self.caddy = self._running.enter_context(caddy)
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def url(self) -> str:
        """Origin of the site, at Caddy."""
        return self.caddy.url

    def read_log(self, topics: Sequence[str]) -> dict[str, dict[int, str]]:
        """Return topic -> seq -> key of what the log holds of `topics`, from the database itself, past the site."""
        log: dict[str, dict[int, str]] = {}
        with psycopg.connect(self.database_url) as connection:
            for topic, seq, data in connection.execute(
                "SELECT topic, seq, data FROM events_event WHERE topic = ANY(%s)", [list(topics)]
            ):
                log.setdefault(topic, {})[seq] = str((json.loads(data) or {}).get("key"))
        return log

    def epoch(self) -> str:
        """Return the epoch of the log, from the database itself."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SELECT value FROM events_logepoch").fetchone()
        assert row is not None
        return str(row[0])

    @contextlib.contextmanager
    def counting_statements(self, containing: str) -> Iterator[Counter[str]]:
        """Count the statements with `containing` in them that PostgreSQL runs during the block, under that word."""
        counted: Counter[str] = Counter()
        self._log_statements("all")
        begin = len(self.postgresql.log)
        try:
            yield counted
        finally:
            lines = self.postgresql.log[begin:].splitlines()
            self._log_statements("none")
            counted[containing] = sum("LOG:  " in line and containing in line for line in lines)

    def _log_statements(self, which: str) -> None:
        with psycopg.connect(self.postgresql.url("postgres"), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
            connection.execute("SELECT pg_reload_conf()")


def _end(process: ServerProcess) -> None:
    if process.running:
        process.thaw()
        process.kill()
