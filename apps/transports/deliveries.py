"""What went out through each door of this process, and how soon after it was appended."""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from apps.events.logged_event import LoggedEvent

# Upper bounds, inclusive, of the latencies counted together; longer ones have a place of their own after the last.
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Deliveries:
    """Deliveries through one door since the process started; an event that goes to two clients is two deliveries."""

    def __init__(self) -> None:
        self.events = 0
        self.latency_counts = [0] * (len(BOUNDS_S) + 1)
        self.latency_sum_s = 0.0


_by_door: defaultdict[str, Deliveries] = defaultdict(Deliveries)


def delivered(door: str, events: Sequence[LoggedEvent], open_since: float | None = None, clients: int = 1) -> None:
    """Count `events` as written to clients just now.

    Their latency counts from the time in the event, by the clock of whoever appended it, to now, by ours.

    Args:
        open_since: when the connection opened, in seconds of time.time(). What was appended before waited for the
            client, not for us, and has no latency; None: nothing has.
        clients: how many clients this write served.
    """
    deliveries = _by_door[door]
    deliveries.events += clients * len(events)
    if open_since is None:
        return
    now = time.time()
    for event in events:
        appended_at = event.time.timestamp()
        if appended_at >= open_since:
            # Another machine's clock may be ahead of ours.
            latency_s = max(0.0, now - appended_at)
            deliveries.latency_counts[bisect_left(BOUNDS_S, latency_s)] += clients
            deliveries.latency_sum_s += clients * latency_s


def deliveries_by_door() -> dict[str, Deliveries]:
    """Return what was delivered through each door; doors without any delivery are left out."""
    return dict(_by_door)
