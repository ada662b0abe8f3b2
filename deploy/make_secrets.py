"""Make the secrets of a new installation, each once, in the volumes of those who need them.

What is there stays: run it before every start.
"""

import os
import secrets
import sys
from pathlib import Path

DATABASE = Path("/secrets/database")  # seen by PostgreSQL and by the site
SITE = Path("/secrets/site")  # seen by the site


def keep(path: Path, make: str) -> str:
    """Return what `path` holds, writing `make` there first if it is not there."""
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.write_text(make)
        # Each in a volume that only those who need it mount; read there by users of different images.
        draft.chmod(0o444)
        draft.rename(path)
        print(f"made {path.name}")
    return path.read_text()


def main() -> None:
    password = keep(DATABASE / "password", secrets.token_urlsafe(32))
    keep(SITE / "database_url", f"postgresql://site:{password}@database:5432/site")
    keep(SITE / "secret_key", secrets.token_urlsafe(48))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"the secrets can't be kept: {error}. Is the volume writable for user {os.geteuid()}?")
