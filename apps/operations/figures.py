"""What one process says about itself on the Live page."""

import socket
import time
from collections.abc import Callable
from typing import Any

import psutil

from apps.events import feed
from apps.events.appends import append_counters
from apps.events.wakeup import layer_health
from apps.server.status import status as server_status
from apps.transports.connections import open_counts
from apps.transports.deliveries import BOUNDS_S, deliveries_by_door

Figure = Callable[[], Any]

_process = psutil.Process()
# Unique among the processes of a site, as long as machines and containers have names of their own.
PROCESS_NAME = f"{socket.gethostname()}:{_process.pid}"

_of_other_rooms: dict[str, Figure] = {}


def add_figure(name: str, figure: Figure) -> None:
    """Have `figures` say one thing more: for rooms above this one, when their app is ready.

    Args:
        figure: called each time; returns a JSON value, a few KB at most, since it goes through the channel layer.
    """
    _of_other_rooms[name] = figure


def figures() -> dict[str, Any]:
    """Return the figures of this process, now, as JSON values; totals count from its start."""
    reader = feed.current()
    deliveries = deliveries_by_door().values()
    with _process.oneshot():
        processor = _process.cpu_times()
        return {
            "process": PROCESS_NAME,
            "uptime_s": round(time.time() - _process.create_time(), 3),
            "draining": server_status.draining,
            "memory_bytes": _process.memory_info().rss,
            "processor_s": processor.user + processor.system,
            "threads": _process.num_threads(),
            "connections": open_counts(),
            "appended": append_counters.events,
            "publish_errors": append_counters.errors.total(),
            "delivered": sum(door.events for door in deliveries),
            "latency_p99_s": _percentile_bound([door.latency_counts for door in deliveries]),
            "lag_s": None if reader.lag_s is None else round(reader.lag_s, 3),
            "layer_well": layer_health.is_well,
            "hints_lost": reader.counters.hints_lost,
            "resets": reader.counters.resets,
            "stalled_cut": server_status.stalled_cut,
            **{name: figure() for name, figure in _of_other_rooms.items()},
        }


def _percentile_bound(counts_by_door: list[list[int]], share: float = 0.99) -> float | None:
    """Return the least of BOUNDS_S within which `share` of all deliveries were made.

    None without any, and where the share goes beyond the last bound.
    """
    counts = [sum(counts) for counts in zip(*counts_by_door, strict=True)]
    total = 0
    for bound_s, count in zip(BOUNDS_S, counts, strict=False):
        total += count
        if total and total >= share * sum(counts):
            return bound_s
    return None
