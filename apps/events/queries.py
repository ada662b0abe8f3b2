"""The threads in which the log's queries run.

Without them every query of a process shares one thread (asgiref's `thread_sensitive` default), and one slow page
stalls every stream.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

_executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="log")


async def run(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `query` in one of the log's threads and return what it returns.

    Cancellation: the caller is released at once; the query itself runs to its end.
    """
    return await sync_to_async(_with_fresh_connection, thread_sensitive=False, executor=_executor)(
        query, *args, **kwargs
    )


def _with_fresh_connection(query: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    # Around each query, not once: a task that lives for days would otherwise keep a connection that the database
    # closed long ago, and fail on it for ever.
    close_old_connections()
    try:
        return query(*args, **kwargs)
    finally:
        close_old_connections()
