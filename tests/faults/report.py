"""What a run leaves behind: the table on the screen and in Markdown, JSON, and a plot."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.plot import draw_timeline
from tests.faults.scenario import Outcome, Scenario


@dataclass(frozen=True)
class Played:
    """A scenario and what it showed; `error` where it broke off."""

    scenario: Scenario
    outcome: Outcome | None
    seconds: float
    error: str = ""

    @property
    def passes(self) -> bool:
        return self.outcome is not None and self.outcome.passes


def table(played: list[Played]) -> str:
    """Return the figures beside their bars as a Markdown table; misses are marked in words."""
    rows = ["| # | fault | figure | value | bar | |", "|---|---|---|---|---|---|"]
    for one in played:
        name, fault = one.scenario.name, one.scenario.fault
        if one.outcome is None:
            rows.append(f"| {name} | {fault} | broke off | {one.error} | | **missed** |")
            continue
        for figure in one.outcome.figures:
            verdict = "" if not figure.bar else "kept" if figure.passes else "**missed**"
            value = f"{figure.value:.3f}".rstrip("0").rstrip(".")
            rows.append(f"| {name} | {fault} | {figure.name} | {value} {figure.unit} | {figure.bar} | {verdict} |")
            name = fault = ""
    return "\n".join(rows)


def save(one: Played, folder: Path) -> list[Path]:
    """Write the figures of a scenario as JSON, and its timeline, to `folder`; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / one.scenario.name.lower()
    files = [stem.with_suffix(".json")]
    files[0].write_text(json.dumps(_as_json(one), indent=2, ensure_ascii=False) + "\n")
    if one.outcome is not None and one.outcome.history is not None and one.outcome.history.clients:
        files.append(stem.with_suffix(".png"))
        draw_timeline(one.outcome.history, one.outcome.began_s, _title(one), files[1])
    return files


def _title(one: Played) -> str:
    assert one.outcome is not None
    return f"{one.scenario.name}: {one.scenario.fault}\n{one.outcome.load}"


def _as_json(one: Played) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "scenario": one.scenario.name,
        "fault": one.scenario.fault,
        "passes": one.passes,
        "error": one.error or None,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": round(one.seconds, 1),
        "load": outcome.load if outcome else None,
        "machine": {
            "cores": os.cpu_count(),
            "load_average": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
        },
        "figures": [asdict(figure) | {"passes": figure.passes} for figure in outcome.figures] if outcome else [],
        "findings": outcome.findings if outcome else [],
    }
