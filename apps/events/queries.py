"""The threads in which the log's queries run: some to read, others to write.

Without them every query of a process shares one thread (asgiref's `thread_sensitive` default), and one slow page
stalls every stream. A writer waits for its topic's lock, perhaps long: that must not keep a reader waiting.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

MAX_READERS = MAX_WRITERS = 4
# A database that hangs (a frozen server, a network that drops packets) answers nothing, not even with an error.
TIMEOUT_S = 10.0
_readers = ThreadPoolExecutor(max_workers=MAX_READERS, thread_name_prefix="log-read")
_writers = ThreadPoolExecutor(max_workers=MAX_WRITERS, thread_name_prefix="log-write")


class LogUnavailable(Exception):
    """The database did not answer. What was asked may be tried again in a moment."""


async def run(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `query`, which reads, in one of the log's threads and return what it returns.

    Raises:
        LogUnavailable: the database is away, or did not answer within TIMEOUT_S.

    Cancellation: the caller is released at once; a query that began runs to its end.
    """
    return await _in_time(TIMEOUT_S, _readers, query, *args, **kwargs)


async def write(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `query`, which writes, in one of the log's threads and return what it returns.

    Raises:
        LogUnavailable: the database is away, or did not answer within PUBLISH_TIMEOUT_S; it may still commit.

    Cancellation: the caller is released at once; a query that began runs to its end, one that did not never runs.
    """
    return await _in_time(settings.PUBLISH_TIMEOUT_S, _writers, query, *args, **kwargs)


async def run_to_its_end(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do as `write` does, however long it takes: for housekeeping, which nobody waits for."""
    return await _in_time(None, _writers, query, *args, **kwargs)


async def _in_time(
    timeout_s: float | None, threads: ThreadPoolExecutor, query: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    in_thread = sync_to_async(_with_fresh_connection, thread_sensitive=False, executor=threads)
    try:
        async with asyncio.timeout(timeout_s):
            return await in_thread(query, *args, **kwargs)
    except TimeoutError as error:
        raise LogUnavailable(f"the database did not answer within {timeout_s:g} s") from error
    except (OperationalError, InterfaceError) as error:
        raise LogUnavailable(f"the database did not answer: {error}") from error


def _with_fresh_connection(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    # Around each query, not once: a task that lives for days would otherwise keep a connection that the database
    # closed long ago, and fail on it for ever.
    close_old_connections()
    try:
        return query(*args, **kwargs)
    finally:
        close_old_connections()
