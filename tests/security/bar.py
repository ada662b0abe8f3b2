"""What a bar is: what is tried, how often at length and in short, and a coroutine that tries it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.faults.rig import Rig
from tests.faults.scenario import Outcome

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
        env: further settings of the site that it is tried on. Without it a site has no limits: everybody comes from the
            same address here.
    """

    name: str
    tried: str
    play: Callable[[Rig, int, Say], Awaitable[Outcome]]
    full: int
    short: int | None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tried:
    """A bar and what it showed, in how many seconds; `error` where it broke off."""

    bar: Bar
    outcome: Outcome | None
    seconds: float = 0.0
    error: str = ""

    @property
    def passes(self) -> bool:
        return self.outcome is not None and self.outcome.passes
