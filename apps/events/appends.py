"""What this process appended to the log, and could not append, counted for those who run it."""

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ParamSpec

from django.db import InterfaceError, OperationalError, transaction

from apps.events.logged_event import LoggedEvent

P = ParamSpec("P")


@dataclass
class AppendCounters:
    """Appends since the process started."""

    events: int = 0  # committed
    repeated: int = 0  # appends whose key was in the log already
    # Appends that raised: "rejected" (not an event the log takes), "unavailable" (the database was away), "failed".
    errors: Counter[str] = field(default_factory=Counter)


append_counters = AppendCounters()
# Appends run in many threads, and `+=` is not one step.
_lock = threading.Lock()


def counted(append: Callable[P, list[LoggedEvent]]) -> Callable[P, list[LoggedEvent]]:
    """Count what `append` does: events once they are committed, errors when they are raised."""

    @functools.wraps(append)
    def counting(*args: P.args, **kwargs: P.kwargs) -> list[LoggedEvent]:
        try:
            appended = append(*args, **kwargs)
        except Exception as error:
            with _lock:
                append_counters.errors[_reason(error)] += 1
            raise
        transaction.on_commit(lambda: _count(appended), robust=True)
        return appended

    return counting


def _count(appended: Iterable[LoggedEvent]) -> None:
    with _lock:
        for event in appended:
            if event.repeated:
                append_counters.repeated += 1
            else:
                append_counters.events += 1


def _reason(error: Exception) -> str:
    # ValueError: EventRejected and TopicNameError are both.
    if isinstance(error, ValueError):
        return "rejected"
    return "unavailable" if isinstance(error, OperationalError | InterfaceError) else "failed"
