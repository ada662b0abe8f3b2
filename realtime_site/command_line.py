"""`manage.py`: whatever keeps a command from its work is one line on standard error, and an exit status that fits.

The statuses are those of sysexits.h; docs/OPERATIONS.md#exit-statuses lists them.
"""

import errno
import os
import sys
from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

_SERVERS = ("serve", "runserver")
# A DATABASE_URL that a server of PostgreSQL answers with one of these stays wrong, however often it is tried.
_WRONG_ACCOUNT = ("password authentication failed", "does not exist", "no password supplied")


def run(words: Sequence[str]) -> None:
    """Run the command of `words`, as they are in `sys.argv`.

    Raises:
        SystemExit: it failed; faults, which nobody could correct from outside, come as they are.
    """
    try:
        if words[1:2] and words[1] not in _SERVERS:
            # A command has one thread. The pool would only retry for 5 s, and not say why it can't connect.
            settings.DATABASES["default"].get("OPTIONS", {}).pop("pool", None)
        execute_from_command_line(list(words))
    except (ImproperlyConfigured, OperationalError, InterfaceError, ProgrammingError, OSError) as error:
        explained = explain(error)
        if explained is None or "--traceback" in words:
            raise
        status, line = explained
        sys.stderr.write(f"error: {line}\n")
        sys.exit(status)


def explain(error: Exception) -> tuple[int, str] | None:
    """Return the exit status for `error` and a line that says what to do; None for what is a fault."""
    if isinstance(error, ImproperlyConfigured):
        return os.EX_CONFIG, f"{error}."
    if isinstance(error, OSError):
        return _explain_file(error)
    reason = str(error).strip().splitlines()[0]
    if "no such table" in reason or ("relation" in reason and "does not exist" in reason):
        return os.EX_CONFIG, f"the database lacks tables ({reason}). Run manage.py migrate."
    if isinstance(error, ProgrammingError):
        return None
    if connection.vendor == "sqlite":
        return _explain_sqlite(reason)
    if any(word in reason for word in _WRONG_ACCOUNT):
        return os.EX_CONFIG, f"the database refuses this account ({reason}). Correct DATABASE_URL."
    return os.EX_UNAVAILABLE, f"the database can't be reached ({reason}). Start it, or correct DATABASE_URL."


def _explain_file(error: OSError) -> tuple[int, str] | None:
    what = f"{error.filename}: {error.strerror}."
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return os.EX_NOPERM, f"{what} Let user {os.geteuid()} write there, or choose another folder: VAR_DIR=…"
        case errno.EEXIST | errno.ENOTDIR:
            return os.EX_CANTCREAT, f"{what} A folder is needed there; choose another: VAR_DIR=…"
        case errno.ENOSPC | errno.EDQUOT:
            return os.EX_IOERR, f"{what} Make room there, or choose another folder: VAR_DIR=…"
    return None


def _explain_sqlite(reason: str) -> tuple[int, str] | None:
    path = connection.settings_dict["NAME"]
    if "unable to open" in reason:
        return os.EX_CANTCREAT, (
            f"{path}: {reason}. Make its folder, let user {os.geteuid()} write there, or choose another: "
            "VAR_DIR=…, DATABASE_URL=sqlite:///…"
        )
    if "readonly" in reason:
        return os.EX_NOPERM, f"{path}: {reason}. Let user {os.geteuid()} write to it and to its folder."
    if "locked" in reason:
        return os.EX_TEMPFAIL, f"{path}: {reason}. Another program writes to it for long; try again."
    return None
