"""Turns among the threads of this process, in the order in which they asked."""

import threading
from collections import deque


class Turns:
    """A lock that goes to whoever has waited longest.

    `threading.Lock` goes to whoever is quickest: [race] a thread that gives it back and asks again at once has it
    before the one that was woken for it.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self, timeout_s: float) -> bool:
        """Wait for a turn, `timeout_s` seconds at most; return whether it came. Whoever got it passes it on."""
        with self._mutex:
            if not self._is_taken:
                self._is_taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=timeout_s):
            return True
        with self._mutex:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
        return True  # [race] it came between the timeout and the look at the queue

    def pass_on(self) -> None:
        """Give the turn to the next in the queue; from any thread."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
