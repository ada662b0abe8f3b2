"""A secret made on first use and kept in a file, so that no default is ever shipped."""

import os
import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """Return the secret kept at `path`, making it first where there is none.

    Two processes that start together agree: the file is created exclusively, and the one that comes second reads
    what the first one wrote.

    Raises:
        OSError: the folder can't be written to; set SECRET_KEY instead.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(secrets.token_urlsafe(48))
    draft.chmod(0o600)
    try:
        # A link appears with its content: a reader never sees the file half-written.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
