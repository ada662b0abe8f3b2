"""Run a command with a PostgreSQL server beside it: `python -m tests.rig.with_postgresql pytest tests/events`.

The settings under test take the server from TEST_DATABASE_URL, so the very same tests run on either database.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.rig.postgresql import PostgreSQL


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="realtime-postgresql-") as folder, PostgreSQL(Path(folder)) as server:
        env = os.environ | {"TEST_DATABASE_URL": server.create_database("site")}
        return subprocess.run([sys.executable, "-m", *sys.argv[1:]], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
