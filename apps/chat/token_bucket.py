"""How often somebody may do something."""

import time
from collections.abc import Callable


class TokenBucket:
    """Allow bursts of `capacity`, and `per_s` a second in the long run.

    Args:
        capacity: 1 or more.
        per_s: more than 0.
        clock: seconds, never going back.
    """

    def __init__(self, capacity: int, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._per_s = per_s
        self._clock = clock
        self._tokens = float(capacity)
        self._filled_at = clock()

    def take(self) -> float:
        """Take a token if there is one and return 0; otherwise return how many seconds until the next."""
        now = self._clock()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._per_s)
        self._filled_at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._per_s
        self._tokens -= 1
        return 0.0
