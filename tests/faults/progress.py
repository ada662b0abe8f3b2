"""Where a run of all scenarios stands: what is left of it, for how long, and what an interrupted one had measured."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure

# Of a scenario that was never measured at this length: beside its seconds, or where it counts something instead.
AROUND_S, COUNTED_S = 60.0, 180.0


@dataclass
class Progress:
    """The scenarios that a run has played, kept in a file until all are.

    Args:
        path: the file; None: nothing is kept.
        words: the run's command line, with which it goes on.
        measured: names of the scenarios whose figures are in the results.
    """

    path: Path | None
    words: list[str]
    measured: list[str] = field(default_factory=list)

    @classmethod
    def of_interrupted(cls, path: Path) -> Self:
        """Return what the last run left.

        Raises:
            FileNotFoundError: the last one came to its end, or there was none.
        """
        return cls(path, **json.loads(path.read_text()))

    def note(self, name: str) -> None:
        """Write down that `name` was measured."""
        self.measured.append(name)
        self.keep()

    def keep(self) -> None:
        """Write down where the run stands."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps({"words": self.words, "measured": self.measured}) + "\n")

    def end(self) -> None:
        """Forget it: everything was played."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class Remaining:
    """How long a run still takes, from what each scenario took the last time.

    Args:
        scenarios: all that are to be played, each with its length.
        results: the folder of the last figures.
    """

    def __init__(self, scenarios: Sequence[tuple[Scenario, Length]], results: Path) -> None:
        self._expected_s = {scenario.name: expected_s(scenario, length, results) for scenario, length in scenarios}
        self._began_s = time.monotonic()

    def begins(self, name: str) -> None:
        """Say that `name` is being played, and those before it are not to be counted any more."""
        names = list(self._expected_s)
        for earlier in names[: names.index(name)]:
            self._expected_s[earlier] = 0.0
        self._began_s = time.monotonic()

    def words(self) -> str:
        """Return how long it still takes, and when it ends."""
        gone_s = time.monotonic() - self._began_s
        current_s, *others_s = [seconds for seconds in self._expected_s.values() if seconds] or [0.0]
        left_s = max(0.0, current_s - gone_s) + sum(others_s)
        end = datetime.now().astimezone() + timedelta(seconds=left_s)
        return f"about {left_s / 60:.0f} min left, until {end:%H:%M}"


def expected_s(scenario: Scenario, length: Length, results: Path) -> float:
    """Return how long a scenario takes, from its start to its end: as the last time with this length, or a guess."""
    try:
        last: dict[str, Any] = json.loads((results / f"{scenario.name.lower()}.json").read_text())
    except FileNotFoundError:
        last = {}
    if last.get("length") == length.asked:
        return float(last["took_s"])
    return length.seconds + AROUND_S if length.seconds else COUNTED_S


def read_outcome(name: str, results: Path) -> tuple[Outcome, float]:
    """Return the figures of a scenario as they were written, and how many seconds it took."""
    kept = json.loads((results / f"{name.lower()}.json").read_text())
    figures = [Figure.of_json(each) for each in kept["figures"]]
    return Outcome(figures, load=kept["load"], findings=kept["findings"]), kept["took_s"]
