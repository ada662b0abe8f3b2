"""Django's SQLite, but writers queue up: the setting `"ENGINE": "apps.events.sqlite"`.

SQLite lets one transaction write at a time. Whoever finds another one there sleeps and asks again after 1 ms, 2, 5 … up
to 100, and is overtaken meanwhile by whoever asks at the right moment. Beside busy writers an unlucky one waits for a
tenth of a second, now and then for longer than its timeout. Here the threads of a process take turns in the order in
which they came, and only the first of them asks SQLite, every fraction of a millisecond.
"""

import random
import sqlite3
import time
from collections import defaultdict

from django.db.backends.base.base import debug_transaction  # type: ignore[attr-defined]
from django.db.backends.sqlite3 import base

from apps.events.sqlite.turns import Turns

# Between questions whether another process is done: a hundredth of the time waited so far, within these.
_ASK_AGAIN_S = (0.000_2, 0.005)
_DEFAULT_TIMEOUT_S = 5.0  # that of Python's sqlite3
_turns: defaultdict[str, Turns] = defaultdict(Turns)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose immediate transactions wait for their turn, for `OPTIONS["timeout"]` seconds at most.

    What it overrides is private to Django and unknown to its stubs; tests/events/test_sqlite_turns.py holds it.

    Raises:
        django.db.OperationalError: "database is locked", as ever, where the turn did not come in time.
    """

    _has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        if self.transaction_mode != "IMMEDIATE":  # type: ignore[attr-defined]
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        began_s = time.monotonic()
        timeout_s = float(self.settings_dict["OPTIONS"].get("timeout", _DEFAULT_TIMEOUT_S))
        with debug_transaction(self, "BEGIN IMMEDIATE"), self.wrap_database_errors:
            if not _turns[str(self.settings_dict["NAME"])].take(timeout_s):
                raise sqlite3.OperationalError("database is locked")
            self._has_turn = True
            try:
                self._begin(began_s, timeout_s)
            except BaseException:
                self._pass_turn_on()
                raise

    def _begin(self, began_s: float, timeout_s: float) -> None:
        # SQLite's own patience is for what writes without a transaction of its own, and not for this.
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self.connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    waited_s = time.monotonic() - began_s
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or waited_s >= timeout_s:
                        raise
                shortest_s, longest_s = _ASK_AGAIN_S
                time.sleep(min(max(waited_s / 100, shortest_s), longest_s) * random.uniform(0.5, 1.5))
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {round(timeout_s * 1000)}")

    def _commit(self) -> None:
        # Kept where the commit failed: Django rolls back then.
        super()._commit()  # type: ignore[misc]
        self._pass_turn_on()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._pass_turn_on()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._pass_turn_on()

    def _pass_turn_on(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turns[str(self.settings_dict["NAME"])].pass_on()
