"""What a bar is: what is tried, how often at length and in short, and a coroutine that tries it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.rig import Rig
from tests.faults.scenario import Figure, Outcome

Say = Callable[[str], None]


@dataclass(frozen=True)
class Bar:
    """One row of the table.

    Args:
        name: `S1` …
        tried: in words.
        play: tries it `count` times on a running site and returns figures beside their bars.
        full: the count of `make security`.
        short: the count within `make test`; None: too long or too loud for that.
    """

    name: str
    tried: str
    play: Callable[[Rig, int, Say], Awaitable[Outcome]]
    full: int
    short: int | None


@dataclass(frozen=True)
class Tried:
    """A bar and what it showed; `error` where it broke off."""

    bar: Bar
    outcome: Outcome | None
    error: str = ""

    @property
    def passes(self) -> bool:
        return self.outcome is not None and self.outcome.passes


def table(tried: list[Tried]) -> str:
    """Return the figures beside their bars as a Markdown table; misses are marked in words."""
    rows = ["| # | tried | figure | value | bar | |", "|---|---|---|---|---|---|"]
    for one in tried:
        name, words = one.bar.name, one.bar.tried
        figures = one.outcome.figures if one.outcome else ()
        for figure in figures:
            rows.append(f"| {name} | {words} | {figure.name} | {_value(figure)} | {figure.bar} | {_verdict(figure)} |")
            name = words = ""
        if one.outcome is None:
            rows.append(f"| {name} | {words} | broke off | {one.error} | | **missed** |")
    return "\n".join(rows)


def _value(figure: Figure) -> str:
    return f"{figure.value:.3f}".rstrip("0").rstrip(".") + (f" {figure.unit}" if figure.unit else "")


def _verdict(figure: Figure) -> str:
    return "" if not figure.bar else "kept" if figure.passes else "**missed**"
