"""What this process can say about its server, for readiness and metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class Status:
    """Counters since the start. Under another server than ours they stay as they are."""

    draining: bool = False  # told to stop: readiness says no
    stalled_cut: int = 0  # connections cut because their peer did not read
    slow_requests_cut: int = 0  # connections cut because their request did not arrive in time
    bodies_refused: int = 0  # answered with 413
    messages_refused: int = 0  # WebSockets closed with 1009


# One for the process, as Twisted's reactor is.
status = Status()
