"""The whole site as people run it: daphne processes, a database, static files and, if asked, Valkey."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx

from tests.rig.accounts import ADMIN, CSRF_TOKEN, OTHER_READER, READER, SECRET_KEY, Account
from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT, Daphne
from tests.rig.postgresql import PostgreSQL
from tests.rig.valkey import Valkey

Database = Literal["sqlite", "postgresql"]


class SiteTemplate:
    """What every site starts from, made once: a migrated database with the accounts in it, and collected static files.

    Args:
        folder: where the template is kept; the sites copy from it. Several processes may share it: each part is made
            by the one that needs it first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._postgresql_name = "site_template"
        self._copies = 0

    def static_files(self) -> Path:
        """Return the folder of collected static files."""
        folder = self.folder / "static"
        with self._alone():
            if not folder.exists():
                run_python(self._env(), "manage.py", "collectstatic", "--no-input", "-v", "0")
        return folder

    def sqlite(self, folder: Path) -> str:
        """Return the URL of a new SQLite database, kept in `folder`."""
        template = self.folder / "template.sqlite3"
        with self._alone():
            if not template.exists():
                self._fill(f"sqlite:///{template}")
        copy = folder / "site.sqlite3"
        shutil.copyfile(template, copy)
        return f"sqlite:///{copy}"

    def postgresql(self, server: PostgreSQL) -> str:
        """Return the URL of a new database of `server`."""
        if self._copies == 0:
            with self._alone():
                self._fill_postgresql(server)
        self._copies += 1
        return server.create_database(f"site_{self._copies}", template=self._postgresql_name)

    def _fill_postgresql(self, server: PostgreSQL) -> None:
        """Make the template database on `server`: by migrating, or from what another process's server was dumped to."""
        url = server.create_database(self._postgresql_name)
        dump = self.folder / "template.sql"
        if dump.exists():
            run_program(server.programs / "psql", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", str(dump), url)
        else:
            self._fill(url)
            run_program(server.programs / "pg_dump", "-f", str(dump), url)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes that share the folder out for the length of the block."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _fill(self, database_url: str) -> None:
        run_python(self._env() | {"DATABASE_URL": database_url}, "-m", "tests.rig.fill_database")

    def _env(self) -> dict[str, str]:
        return {"VAR_DIR": str(self.folder), "SECRET_KEY": SECRET_KEY}


class Site:
    """One site: `processes` daphnes that share a database and, with `redis`, a Valkey of their own.

    Args:
        folder: an empty folder for its files and logs.
        template: what it starts from.
        processes: how many daphnes, 1 or more. More than one need `redis` to wake each other at once.
        postgresql: the server to keep the database in; None: SQLite.
        redis: whether to start a Valkey for the channel layer.
        env: further settings (docs/SETTINGS.md).
        server: the module that serves it, "daphne" or "apps.server".
    """

    def __init__(
        self,
        folder: Path,
        template: SiteTemplate,
        *,
        processes: int = 1,
        postgresql: PostgreSQL | None = None,
        redis: bool = False,
        env: dict[str, str] | None = None,
        server: str = "daphne",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.admin = ADMIN
        self.reader = READER
        self.other_reader = OTHER_READER
        self.postgresql = postgresql
        self.valkey = Valkey(folder) if redis else None
        (folder / "static").symlink_to(template.static_files())
        self.database_url = template.postgresql(postgresql) if postgresql else template.sqlite(folder)
        self.env = {
            "VAR_DIR": str(folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.valkey.url if self.valkey else "",
            "SECRET_KEY": SECRET_KEY,
            # Everybody comes from the same address here, and as fast as they can.
            "CLIENT_LIMITS": "false",
            **(env or {}),
        }
        self.processes = [
            Daphne(folder, self.env, name=f"daphne-{number}", module=server) for number in range(processes)
        ]

    @property
    def url(self) -> str:
        """Origin of the first process, such as http://127.0.0.1:20123."""
        return self.processes[0].url

    @property
    def urls(self) -> list[str]:
        """Origins of all processes."""
        return [process.url for process in self.processes]

    @property
    def ws_url(self) -> str:
        """Origin of the first process for WebSockets."""
        return self.processes[0].ws_url

    @property
    def log(self) -> str:
        """What all processes printed."""
        servers = [*self.processes, *([self.valkey] if self.valkey else [])]
        return "\n".join(f"--- {server.name}\n{server.log}" for server in servers)

    def manage(self, *words: str, **env: str) -> str:
        """Run `manage.py` with `words` on this site, in a process of its own, and return what it printed.

        Raises:
            RuntimeError: it failed; its output is in the message.
        """
        return run_python(self.env | env, "manage.py", *words)

    def post_notification(self, title: str, message: str = "", *, level: str = "info") -> str:
        """Post a notification from the command line, as another process than the daphnes."""
        return self.manage("post_notification", title, *([message] if message else []), "--level", level)

    def client(self, account: Account | None = None, *, process: int = 0) -> httpx.Client:
        """Return an HTTP client of one process, signed in and with a CSRF token if `account` is given.

        Close it, or use it in a `with`. For the sign-in itself, fill in /admin/login/.
        """
        origin = self.urls[process]
        if account is None:
            return httpx.Client(base_url=origin, timeout=60.0)
        headers = {"X-CSRFToken": CSRF_TOKEN, "Origin": origin}
        return httpx.Client(base_url=origin, timeout=60.0, cookies=account.cookies(), headers=headers)

    def start(self) -> Self:
        """Start what does not run yet: Valkey, then the daphnes."""
        if self.postgresql:
            self.postgresql.start()
        if self.valkey:
            self.valkey.start()
        for process in self.processes:
            process.launch()
        for process in self.processes:
            process.wait_until_ready()
        return self

    def close(self) -> None:
        """End every process of this site; the PostgreSQL server, which it shares, goes on."""
        for server in (*self.processes, self.valkey):
            if server and server.running:
                server.thaw()
                server.kill()
        if self.postgresql:
            self.postgresql.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_python(env: dict[str, str], *words: str, patience_s: float = 300) -> str:
    """Run Python in the project's folder with the settings that people run, and return what it printed.

    Args:
        patience_s: how long it may take.

    Raises:
        RuntimeError: it ended with another status than 0; its output is in the message.
    """
    return run_program(Path(sys.executable), *words, env=PEOPLES_SETTINGS | env, patience_s=patience_s)


def run_program(program: Path, *words: str, env: Mapping[str, str] | None = None, patience_s: float = 300) -> str:
    """Run `program` in the project's folder and return what it printed.

    Args:
        env: on top of the environment of the tests.
        patience_s: how long it may take.

    Raises:
        RuntimeError: it ended with another status than 0; its output is in the message.
    """
    done = subprocess.run(
        [str(program), *words],
        cwd=PROJECT,
        env=os.environ | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience_s,
    )
    if done.returncode:
        raise RuntimeError(f"{program.name} {' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
