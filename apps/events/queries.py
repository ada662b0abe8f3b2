"""The threads in which the log's queries run.

Without them every query of a process shares one thread (asgiref's `thread_sensitive` default), and one slow page
stalls every stream.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

MAX_THREADS = 4
# A database that hangs (a frozen server, a network that drops packets) answers nothing, not even with an error.
TIMEOUT_S = 10.0
_executor = ThreadPoolExecutor(max_workers=MAX_THREADS, thread_name_prefix="log")


class LogUnavailable(Exception):
    """The database did not answer. What was asked may be tried again in a moment."""


async def run(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `query` in one of the log's threads and return what it returns.

    Raises:
        LogUnavailable: the database is away, or did not answer within TIMEOUT_S; a write may still commit.

    Cancellation: the caller is released at once; a query that began runs to its end.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await run_to_its_end(query, *args, **kwargs)
    except TimeoutError as error:
        raise LogUnavailable(f"the database did not answer within {TIMEOUT_S:g} s") from error


async def run_to_its_end(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do as `run` does, however long it takes: for housekeeping, which nobody waits for."""
    try:
        return await sync_to_async(_with_fresh_connection, thread_sensitive=False, executor=_executor)(
            query, *args, **kwargs
        )
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
