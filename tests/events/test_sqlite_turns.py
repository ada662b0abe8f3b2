"""Writers on SQLite take turns: in the order in which they came, and not for ever."""

import sqlite3
import threading
from contextlib import closing

import pytest
from django.db import OperationalError, connection, transaction

from apps.events import log
from apps.events.sqlite.base import _turns
from apps.events.sqlite.turns import Turns
from tests.rig.waiting import wait_until

PATIENCE_S = 60.0


def in_thread(call) -> threading.Thread:
    def run() -> None:
        call()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_turns_go_to_whoever_has_waited_longest() -> None:
    turns, order, waiting = Turns(), [], []
    assert turns.take(0)

    def wait(number: int) -> None:
        assert turns.take(PATIENCE_S)
        order.append(number)
        turns.pass_on()

    for number in range(5):
        waiting.append(in_thread(lambda number=number: wait(number)))
        wait_until(lambda n=number: len(turns._waiting) == n + 1, "the thread to wait")
    turns.pass_on()
    for thread in waiting:
        thread.join(PATIENCE_S)
    assert order == [0, 1, 2, 3, 4]


def test_whoever_gave_up_waiting_is_passed_over() -> None:
    turns = Turns()
    assert turns.take(0)
    assert not turns.take(0.01)
    turns.pass_on()
    assert turns.take(0)


@pytest.mark.only_on("sqlite")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends", ["commit", "roll back"])
def test_a_writer_waits_for_another_thread_and_then_writes(ends: str) -> None:
    log.append("lab.a", "test.happened", 1)
    with transaction.atomic():
        log.append("lab.a", "test.happened", 2)
        other = in_thread(lambda: log.append("lab.a", "test.happened", 3))
        other.join(0.2)
        assert other.is_alive()
        transaction.set_rollback(ends == "roll back")
    other.join(PATIENCE_S)
    assert log.bounds(["lab.a"]).heads == {"lab.a": 3 if ends == "commit" else 2}


@pytest.mark.only_on("sqlite")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("holder", ["another thread", "another process"])
def test_a_turn_that_does_not_come_is_an_error_and_keeps_nobody_else_waiting(holder: str, monkeypatch) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    release = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            release.wait(PATIENCE_S)

    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        if holder == "another thread":
            thread = in_thread(hold)
            turns = _turns[str(connection.settings_dict["NAME"])]
            wait_until(lambda: turns._is_taken, "the other thread to begin")
        else:
            other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="database is locked"):
            log.append("lab.a", "test.happened", 1)
        if holder == "another thread":
            release.set()
            thread.join(PATIENCE_S)
        else:
            other.execute("ROLLBACK")
    assert log.append("lab.a", "test.happened", 1).seq == 1
