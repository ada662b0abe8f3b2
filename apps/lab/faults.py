"""What can be done to a run's connections.

A fault is an event, so that every process hears of it: in a topic beside the run's, which no lane reads, or it would
wake the long poll just before it breaks it.
"""

from dataclasses import dataclass

EVENT_TYPE = "lab.fault"
STOP_TYPE = "lab.stopped"  # the visitor wants no more events


def topic_of(run: str) -> str:
    """Return the topic of a run's faults."""
    return f"{run}.faults"


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault.

    Args:
        name: its word in events, links and scripts.
        lasts: whether it goes on for a while; otherwise it is over at once.
    """

    name: str
    lasts: bool


CUT = Fault("cut", lasts=False)
RESTART = Fault("restart", lasts=False)
BUFFER = Fault("buffer", lasts=True)
SLOW = Fault("slow", lasts=True)
SLEEP = Fault("sleep", lasts=True)  # the browser makes it happen; the event only tells when

FAULTS = {fault.name: fault for fault in (CUT, BUFFER, SLOW, SLEEP, RESTART)}
