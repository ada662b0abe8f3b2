"""How long it took to recover, for the summary of a run."""

import time
from collections.abc import Callable


class Recovery:
    """The time from `begins` to `ends`, told at the end of the run."""

    def __init__(self, tell: Callable[[str, object], None]) -> None:
        self._tell = tell
        self._began_at = time.monotonic()

    def begins(self) -> None:
        self._began_at = time.monotonic()

    def ends(self) -> None:
        self._tell("recovered_s", round(time.monotonic() - self._began_at, 1))
