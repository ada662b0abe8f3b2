"""What a run leaves behind: the table on the screen, JSON, a plot, and a page about all of them."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.checker import History, Verdict, longest_gap_by_client
from tests.faults.load import Shape
from tests.faults.plot import draw_timeline
from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure, here_and_now


@dataclass(frozen=True)
class Played:
    """A scenario and what it showed; `error` where it broke off, `not_run` why this machine can't play it.

    `length` is what was asked for.
    """

    scenario: Scenario
    outcome: Outcome | None
    seconds: float
    error: str = ""
    not_run: str = ""
    length: Length | None = None

    @property
    def passes(self) -> bool:
        return self.outcome is not None and self.outcome.passes


def table(played: list[Played]) -> str:
    """Return the figures beside their bars as a Markdown table; misses are marked in words."""
    rows = ["| # | fault | figure | value | bar | |", "|---|---|---|---|---|---|"]
    for one in played:
        name, fault = one.scenario.name, one.scenario.fault
        if one.not_run:
            rows.append(f"| {name} | {fault} | **not run** | {one.not_run} | | |")
            continue
        if one.outcome is None:
            rows.append(f"| {name} | {fault} | broke off | {one.error} | | **missed** |")
            continue
        rows += _rows(name, fault, one.outcome.figures)
    return "\n".join(rows)


def _rows(name: str, fault: str, figures: Sequence[Figure]) -> list[str]:
    """Return the rows of one scenario. What had to be nothing and was nothing shares a row."""
    nothing = [figure for figure in figures if figure.bar == "0" and figure.passes]
    cells = [(", ".join(figure.name for figure in nothing), "0", "0", "kept")] if nothing else []
    cells += [
        (
            figure.name,
            figure.with_unit,
            figure.bar,
            figure.verdict,
        )
        for figure in figures
        if figure not in nothing
    ]
    heads = [(name, fault), *[("", "")] * (len(cells) - 1)][: len(cells)]
    return ["| " + " | ".join((*head, *cell)) + " |" for head, cell in zip(heads, cells, strict=True)]


def save(one: Played, folder: Path) -> list[Path]:
    """Write the figures of a scenario as JSON, and its picture, to `folder`; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / one.scenario.name.lower()
    files = [stem.with_suffix(".json")]
    files[0].write_text(json.dumps(_as_json(one), indent=2, ensure_ascii=False) + "\n")
    outcome, picture = one.outcome, stem.with_suffix(".png")
    if outcome is not None and outcome.draw is not None:
        outcome.draw(_title(one), picture)
        files.append(picture)
    elif outcome is not None and outcome.history is not None and outcome.history.clients:
        draw_timeline(outcome.history, outcome.began_s, _title(one), picture)
        files.append(picture)
    return files


def save_planted(verdicts: Mapping[str, Verdict], folder: Path) -> None:
    """Write what the checker found in the sites with a planted bug to `folder`; "" is the site without one."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {bug or "none": verdict.counts for bug, verdict in verdicts.items()}
    (folder / "planted.json").write_text(json.dumps(found, indent=2) + "\n")


# What a picture shows, by its file.
_TIMELINE = "When each client of {} saw each event, with the faults marked"
_PICTURES = {
    "r10": "How long each door of {} took to answer each cursor, and with what",
    "r13": "How long each append of {} took, and how much later a reader had it",
}

_PAGE = """# Results

Written by `make faults` from the files beside it; [OPERATIONS.md](../OPERATIONS.md#faults) says what it does. The bars
are meant for this load, and where another is named, that one was measured: {load}.
As many publishes as the machine has time for: how many a second that was is told below. A figure means nothing without
its machine: {machine}, which carried the site, its database, the publishers and all clients at once.

{planted}

| # | fault | figure | value | bar | |
|---|---|---|---|---|---|
{rows}

{scenarios}
"""


def write_summary(folder: Path) -> Path:
    """Write README.md from the JSON files in `folder`, those of earlier runs included, and return its path."""
    found = [json.loads(path.read_text()) for path in folder.glob("r*.json")]
    found.sort(key=lambda one: int(one["scenario"][1:]))
    rows, texts = [], []
    for one in found:
        name, fault = f"[{one['scenario']}](#{one['scenario'].lower()})", one["fault"]
        figures = [Figure.of_json(each) for each in one["figures"]]
        if one["error"]:
            rows.append(f"| {name} | {fault} | broke off | {one['error']} | | **missed** |")
        rows += _rows(name, fault, [figure for figure in figures if figure.bar])
        texts.append(_scenario_text(one, [figure for figure in figures if not figure.bar], folder))
    machines = {f"{one['machine']['cores']} cores, Python {one['machine']['python']}" for one in found}
    page = _PAGE.format(
        load=Shape().words,
        machine=" or ".join(sorted(machines)),
        planted=_planted_text(folder / "planted.json"),
        rows="\n".join(rows),
        scenarios="\n\n".join(texts),
    )
    path = folder / "README.md"
    path.write_text(page)
    return path


def _scenario_text(one: dict[str, Any], figures: list[Figure], folder: Path) -> str:
    name = one["scenario"].lower()
    lines = [f"## {one['scenario']}", "", f"{one['fault'][0].upper()}{one['fault'][1:]}. Load: {one['load']}."]
    if figures:
        lines += ["", "; ".join(f"{figure.name} {figure.with_unit}" for figure in figures) + "."]
    took = f"{one['took_s']:.0f} s on {one['at'][:10]}, load average {one['machine']['load_average']} at the end"
    lines += ["", f"{took}: [{name}.json]({name}.json)."]
    if (folder / f"{name}.png").exists():
        lines += ["", f"![{_PICTURES.get(name, _TIMELINE).format(one['scenario'])}]({name}.png)"]
    return "\n".join(lines)


def _planted_text(path: Path) -> str:
    if not path.exists():
        return "The planted bugs were not tried."
    found = json.loads(path.read_text())
    words = "; ".join(
        f"`{bug}`: " + (", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing")
        for bug, counts in found.items()
    )
    return f"What the checker found in sites with a planted bug, before the scenarios, and in one with none: {words}."


def _title(one: Played) -> str:
    assert one.outcome is not None
    return f"{one.scenario.name}: {one.scenario.fault}\n{textwrap.fill(one.outcome.load, 110)}"


def _as_json(one: Played) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "scenario": one.scenario.name,
        "fault": one.scenario.fault,
        "passes": one.passes,
        "error": one.error or None,
        **here_and_now(),
        "took_s": round(one.seconds, 1),
        "length": one.length.asked if one.length else None,
        "load": outcome.load if outcome else None,
        "figures": [figure.as_json for figure in outcome.figures] if outcome else [],
        "findings": outcome.findings if outcome else [],
        "longest_gap_s": _gaps(outcome.history) if outcome and outcome.history else {},
    }


def _gaps(history: History) -> dict[str, float]:
    return {client: round(gap_s, 3) for client, gap_s in sorted(longest_gap_by_client(history).items())}
