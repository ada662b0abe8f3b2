"""Whether this process can serve: its database, its reader of the log, its channel layer, its server."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from apps.events import feed, log, queries, wakeup
from apps.events.queries import LogUnavailable
from apps.events.wakeup import layer_health
from apps.server.status import status as server_status

DATABASE_TIMEOUT_S = 2.0
# The reader looks every second, and a query on a busy machine may take a few.
MAX_LAG_S = 10.0


class Level(StrEnum):
    """How bad it is, from good to bad."""

    READY = "ready"
    DEGRADED = "degraded"  # slower than usual, and nothing is lost: keep sending requests
    NOT_READY = "not ready"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found.

    Args:
        says: the finding in words. Anybody may read it: no addresses, no error texts of other systems.
    """

    level: Level
    says: str


async def check_all() -> Mapping[str, Check]:
    """Return what each check found, within DATABASE_TIMEOUT_S."""
    feed.current().start()
    return {
        "database": await _check_database(),
        "log_reader": _check_log_reader(),
        "channel_layer": _check_channel_layer(),
        "server": _check_server(),
    }


def worst(checks: Mapping[str, Check]) -> Level:
    """Return the level of the whole."""
    return max((check.level for check in checks.values()), key=list(Level).index)


# [race] Probes come every few seconds, and a query to a frozen database never returns: one for each would soon fill
# the log's few threads and keep the readers waiting after the database is back. So probes share the one on its way.
_asking: dict[asyncio.AbstractEventLoop, asyncio.Task] = {}


async def _check_database() -> Check:
    loop = asyncio.get_running_loop()
    task = _asking.get(loop)
    if task is None:
        task = _asking[loop] = loop.create_task(queries.run(log.bounds, ()))
        task.add_done_callback(lambda task: _asking.pop(loop))
    await asyncio.wait([task], timeout=DATABASE_TIMEOUT_S)
    if not task.done():
        return Check(Level.NOT_READY, f"the database did not answer within {DATABASE_TIMEOUT_S:g} s")
    error = task.exception()
    if error is None:
        return Check(Level.READY, "the database answers")
    if isinstance(error, LogUnavailable):
        return Check(Level.NOT_READY, "the database is away; requests are refused until it is back")
    return Check(Level.NOT_READY, "the log's tables can't be read: run manage.py migrate")


def _check_log_reader() -> Check:
    lag_s = feed.current().lag_s
    if lag_s is None:
        return Check(Level.READY, "the reader starts")
    if lag_s > MAX_LAG_S:
        return Check(Level.NOT_READY, f"the reader last knew the whole log {lag_s:.0f} s ago")
    return Check(Level.READY, "the reader keeps up with the log")


def _check_channel_layer() -> Check:
    if not wakeup.reaches_others():
        return Check(Level.READY, "wake-ups stay in this process; others look at the log every second")
    if layer_health.is_well:
        return Check(Level.READY, "wake-ups arrive")
    return Check(Level.DEGRADED, "wake-ups do not arrive; the log is asked four times a second instead")


def _check_server() -> Check:
    if server_status.draining:
        return Check(Level.NOT_READY, "the server was told to stop and says goodbye to its clients")
    return Check(Level.READY, "the server takes connections")
