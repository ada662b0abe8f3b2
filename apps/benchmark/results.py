"""The results of a run: what is kept, where, and how it reads back."""

import json
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "results"
_STEM = "benchmark-"


@dataclass(frozen=True)
class Record:
    """Figures of one peer in one round, under one load."""

    scenario: str
    peer: str
    round: int
    load: str
    figures: dict[str, float]
    late_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the most of what the rounds found."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self | None:
        """Return the spread of `values`, or None where there are none."""
        found = sorted(values)
        return cls(found[0], statistics.median(found), found[-1]) if found else None


@dataclass
class Results:
    """A run.

    Args:
        at: when it began, ISO 8601.
        machine: name -> value, see `machine.description`.
        scenarios: name -> title, kind, door, clients, loads.
        peers: name -> label.
        left_out: why something was not measured, one line each.
    """

    at: str
    command: str
    machine: dict[str, str]
    scenarios: dict[str, dict[str, Any]] = field(default_factory=dict)
    peers: dict[str, str] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    interrupted: bool = False

    def by_round(self, scenario: str, peer: str, load: str, figure: str) -> dict[int, float]:
        """Return round -> value."""
        return {
            record.round: record.figures[figure]
            for record in self.records
            if (record.scenario, record.peer, record.load) == (scenario, peer, load) and figure in record.figures
        }

    def spread(self, scenario: str, peer: str, load: str, figure: str) -> Spread | None:
        """Return what the rounds found for one figure."""
        return Spread.of(self.by_round(scenario, peer, load, figure).values())

    def measured(self) -> Iterator[tuple[str, str, str]]:
        """Yield each (scenario, load, peer) that has records, in the order in which they were made."""
        yield from dict.fromkeys((record.scenario, record.load, record.peer) for record in self.records)

    def added_to(self, earlier: "Results") -> "Results":
        """Return `earlier` with the scenarios of this run in place of its own of the same name."""
        return replace(
            self,
            command=f"{earlier.command}; {self.command}",
            scenarios={**earlier.scenarios, **self.scenarios},
            peers={**earlier.peers, **self.peers},
            records=[record for record in earlier.records if record.scenario not in self.scenarios] + self.records,
            left_out=list(dict.fromkeys([*earlier.left_out, *self.left_out])),
            interrupted=earlier.interrupted or self.interrupted,
        )

    @property
    def stem(self) -> str:
        """The name of its files, by date."""
        return _STEM + self.at[:10]

    def save(self, folder: Path = FOLDER) -> Path:
        """Write it as JSON to `folder` and return the file."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.stem}.json"
        members = asdict(self)
        records = members.pop("records")
        # A line a record: as short as a file can be that a person may still look at.
        lines = ",\n    ".join(json.dumps(record) for record in records)
        text = json.dumps(members, indent=2, ensure_ascii=False)
        path.write_text(f'{text[:-2]},\n  "records": [\n    {lines}\n  ]\n}}\n')
        return path


@lru_cache(maxsize=2)
def _load(path: Path, modified_ns: int) -> Results:
    members = json.loads(path.read_text())
    records = [Record(**record) for record in members.pop("records")]
    return Results(**members, records=records)


def load(path: Path) -> Results:
    """Read the results of a run."""
    return _load(path, path.stat().st_mtime_ns)


def all_kept(folder: Path = FOLDER) -> Iterator[Results]:
    """Yield the results of each run that is kept, the newest first."""
    for path in sorted(folder.glob(f"{_STEM}*.json"), reverse=True):
        yield load(path)


def latest(folder: Path = FOLDER) -> Results | None:
    """Return the results of the newest run that is kept; None where there is none."""
    return next(all_kept(folder), None)
