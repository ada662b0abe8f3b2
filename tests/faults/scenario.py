"""What a scenario is: an identifier, a fault in words, and a coroutine that injects it and returns its figures."""

import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.checker import History, judge, latenesses, longest_gaps, percentile
from tests.faults.load import Load, Shape
from tests.faults.rig import Rig
from tests.rig.figure import Figure


@dataclass
class Outcome:
    """What a scenario showed.

    Args:
        history: what the timeline is drawn from; None where clients have no part in it.
        draw: writes the picture, given its title and its file, where a timeline of deliveries would not say it.
        findings: the first broken promises in words, for whoever has to look for the cause.
    """

    figures: list[Figure]
    history: History | None = None
    began_s: float = 0.0
    load: str = ""
    findings: list[str] = field(default_factory=list)
    draw: Callable[[str, Path], None] | None = None

    @property
    def passes(self) -> bool:
        return all(figure.passes for figure in self.figures)


@dataclass(frozen=True)
class Length:
    """How long and how hard a scenario runs, from the command line.

    Args:
        seconds: of faults, without start and catching up.
        count: of what a scenario counts (publishes, races, connections …); None: its own default, or for R9 and R11
            as many as fit into `seconds`, where they are more than 0.
    """

    seconds: float
    shape: Shape
    count: int | None = None
    say: Callable[[str], None] = print

    @property
    def asked(self) -> dict[str, float | None]:
        """What was asked for, to compare two runs by."""
        return {"seconds": self.seconds, "count": self.count}

    def numbers(self, count: int) -> Iterator[int]:
        """Count from 0 up to what was asked for: `seconds`, where they are more than 0, or `count`; else up to `count`.

        One for all who share the work: each number is handed out once.
        """
        if self.count or not self.seconds:
            yield from range(self.count or count)
            return
        end_s = time.monotonic() + self.seconds
        yield from itertools.takewhile(lambda _: time.monotonic() < end_s, itertools.count())


Play = Callable[[Rig, Length], Awaitable[Outcome]]


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Args:
        name: `R1` …
        fault: in words.
        seconds: its length.
        quick_seconds, quick_count: the length and the count of a short version, `--quick`; None: as ever.
        rig: arguments of its `Rig`.
        needs_own_network: whether it drops packets, see `network`.
    """

    name: str
    fault: str
    play: Play
    seconds: float
    quick_seconds: float | None = None
    quick_count: int | None = None
    rig: dict[str, Any] = field(default_factory=dict)
    needs_own_network: bool = False


def promise_kept(load: Load, *further: Figure, resets: int | None = 0) -> Outcome:
    """Judge a load that has ended: 0 lost, duplicated, out of order, leaked, and the figures `further`.

    Args:
        resets: how many there may be; None: any number.
    """
    verdict = judge(load.history)
    figures = [Figure(name, count, at_most=0) for name, count in verdict.counts.items()]
    told = sum(len(client.resets) for client in load.history.clients)
    figures.append(Figure("resets", told, at_most=resets))
    figures.append(Figure("readers refused", sum(c.refused is not None for c in load.readers), at_most=0))
    figures.append(Figure("publishes never acknowledged", load.published.given_up, at_most=0))
    findings = [*verdict.lost, *verdict.duplicated, *verdict.out_of_order, *verdict.leaked]
    words = [f"{finding.who} {finding.topic}:{finding.seq} {finding.why}" for finding in findings[:20]]
    words += [f"{count} attempts to publish failed with {what}" for what, count in load.published.failed.items()]
    return Outcome([*figures, *further, *volume(load)], load.history, load.began_s, load.shape.words, words)


def gaps(load: Load, *, p99: float | None = None, longest: float | None = None) -> list[Figure]:
    """Return the p99 and the longest of the clients' gaps, each beside its bar in seconds."""
    found = longest_gaps(load.history)
    return [
        Figure("gap p99", percentile(found, 99), "s", at_most=p99),
        Figure("gap max", max(found, default=0.0), "s", at_most=longest),
    ]


def volume(load: Load) -> list[Figure]:
    """Return how much was published and delivered, for information."""
    late = [late_s for _, _, late_s in latenesses(load.history)]
    return [
        Figure("acknowledged", len(load.published.acknowledged)),
        Figure("acknowledged a second", len(load.published.acknowledged) / (load.ended_s - load.began_s), "1/s"),
        Figure("failed attempts", sum(load.published.failed.values())),
        Figure("deliveries", len(late)),
        Figure("delivery p50", percentile(late, 50), "s"),
        Figure("delivery p99", percentile(late, 99), "s"),
        Figure("connections made", sum(client.connections for client in load.history.clients)),
        Figure("cores busy", load.busy_cores),
        Figure("cores busy with publishers and clients", load.own_cores),
    ]
