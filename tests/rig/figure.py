"""A measured value beside its bar, and what reports say of it and of the machine (`make faults`, `make security`)."""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A measured value beside its bar; without a bar it is for information.

    Args:
        unit: `s`, `MiB`, … or nothing for a count.
        at_most, at_least: the bar, inclusive.
    """

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def passes(self) -> bool:
        too_much = self.at_most is not None and self.value > self.at_most
        too_little = self.at_least is not None and self.value < self.at_least
        return not too_much and not too_little

    @property
    def bar(self) -> str:
        if self.at_most is not None and self.at_most == self.at_least:
            return f"{self.at_most:g}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g}" if self.at_most else "0"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""

    @property
    def verdict(self) -> str:
        return "" if not self.bar else "kept" if self.passes else "**missed**"

    @property
    def with_unit(self) -> str:
        return f"{self.value:.3f}".rstrip("0").rstrip(".") + (f" {self.unit}" if self.unit else "")

    @property
    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"passes": self.passes}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "Figure":
        return cls(**{name: value for name, value in values.items() if name != "passes"})


def here_and_now() -> dict[str, Any]:
    """Return when this is and on which machine, as a result's JSON tells it."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "load_average": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
        },
    }
