"""Under load, do less often what costs each time, and more of it at once.

Whoever read, sent or hinted leaves so much time to everything else before doing it again; what comes meanwhile goes
together. A process that has time does each thing at once: the last one is long over when the next is due.
"""

REST = 6
MAX_REST_S = 0.05


def rest_s(took_s: float) -> float:
    """Return how long to leave alone, in seconds, what took so long just now: 0 to MAX_REST_S."""
    return min(MAX_REST_S, REST * took_s)
