"""The log's threads: one slow query stalls nobody, and a connection that broke is not used again."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connection

from apps.events import log, queries
from apps.events.queries import LogUnavailable
from tests.rig.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)


class SlowQuery:
    """A query that takes until `let_end`."""

    def __init__(self) -> None:
        self.has_begun, self.has_ended = threading.Event(), threading.Event()
        self._may_end = threading.Event()

    def __call__(self) -> None:
        self.has_begun.set()
        self._may_end.wait(60)
        self.has_ended.set()

    def let_end(self) -> None:
        self._may_end.set()


@pytest.fixture
def slow_query() -> Iterator[SlowQuery]:
    query = SlowQuery()
    yield query
    query.let_end()


def failing(error: Exception):
    def query() -> None:
        raise error

    return query


@pytest.mark.parametrize("error", [OperationalError("connection refused"), InterfaceError("already closed")])
async def test_a_database_that_is_away_is_told_from_other_faults(error: Exception) -> None:
    with pytest.raises(LogUnavailable, match=str(error)):
        await queries.run(failing(error))


@pytest.mark.parametrize("error", [IntegrityError("twice"), ValueError("no number")])
async def test_a_fault_of_the_query_itself_comes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        await queries.run(failing(error))


async def test_a_slow_query_stalls_no_other(slow_query: SlowQuery) -> None:
    slow = asyncio.create_task(queries.run(slow_query))
    await await_until(slow_query.has_begun.is_set, "the slow query to begin")
    assert (await queries.run(log.bounds, ["lab.a"])).heads == {"lab.a": 0}
    slow_query.let_end()
    await slow


async def test_a_caller_that_leaves_is_released_at_once_and_its_query_runs_to_its_end(slow_query: SlowQuery) -> None:
    slow = asyncio.create_task(queries.run(slow_query))
    await await_until(slow_query.has_begun.is_set, "the slow query to begin")
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert not slow_query.has_ended.is_set()
    slow_query.let_end()
    await await_until(slow_query.has_ended.is_set, "the slow query to end")


async def test_a_query_that_nobody_waits_for_any_more_is_not_begun(slow_query: SlowQuery) -> None:
    """So that a database that hangs for an hour is not asked an hour's questions when it is back."""
    occupying = [asyncio.create_task(queries.run(slow_query)) for _ in range(queries.MAX_READERS)]
    await await_until(slow_query.has_begun.is_set, "the slow queries to begin")
    late = SlowQuery()
    waiting = asyncio.create_task(queries.run(late))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    slow_query.let_end()
    await asyncio.gather(*occupying)
    await queries.run(lambda: None)
    assert not late.has_begun.is_set()


async def test_a_database_that_hangs_is_given_up(slow_query: SlowQuery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "TIMEOUT_S", 0.01)
    with pytest.raises(LogUnavailable, match=r"did not answer within 0\.01 s"):
        await queries.run(slow_query)


async def test_housekeeping_may_take_as_long_as_it_takes(slow_query: SlowQuery, monkeypatch) -> None:
    monkeypatch.setattr(queries, "TIMEOUT_S", 0)
    slow = asyncio.create_task(queries.run_to_its_end(slow_query))
    await await_until(slow_query.has_begun.is_set, "the slow query to begin")
    slow_query.let_end()
    await slow


@pytest.mark.only_on("postgresql")
async def test_every_connection_is_given_back_to_the_pool() -> None:
    await asyncio.gather(*[queries.run(log.bounds, ["lab.a"]) for _ in range(20)])

    def are_all_back() -> bool:
        stats = connection.pool.get_stats()
        return stats["pool_available"] == stats["pool_size"]

    await await_until(are_all_back, "the connections to be back")


@pytest.mark.only_on("postgresql")
async def test_connections_that_the_server_closed_fail_no_query() -> None:
    """What a restart of the server leaves behind in the pool."""

    def close_all_others() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return cursor.fetchone()[0]

    await asyncio.gather(*[queries.run(log.bounds, ["lab.a"]) for _ in range(20)])
    assert await queries.run(close_all_others) >= 1
    for _ in range(10):
        await asyncio.gather(*[queries.run(log.bounds, ["lab.a"]) for _ in range(queries.MAX_READERS)])
