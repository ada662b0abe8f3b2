"""What a run leaves behind: the table on the screen, the figures as JSON, and a page about all of them."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.rig.figure import Figure, here_and_now
from tests.security.bar import Tried

_HEAD = "| # | tried | figure | value | bar | |\n|---|---|---|---|---|---|"
_PAGE = """# What was tried, and what came of it

Written by `make security` from the files beside it; [SECURITY.md](../../../SECURITY.md) says who is thought to attack,
and what each of these is about. Times mean nothing without their machine: {machine}, which carried the site, its
database and the attackers at once.

{head}
{rows}

{runs}
"""


def table(tried: list[Tried]) -> str:
    """Return the figures beside their bars as a Markdown table; misses are marked in words."""
    rows = [row for one in tried for row in _rows(one.bar.name, one.bar.tried, _figures(one), one.error)]
    return "\n".join([_HEAD, *rows])


def save(one: Tried, folder: Path) -> Path:
    """Write the figures of a bar as JSON to `folder`, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{one.bar.name.lower()}.json"
    path.write_text(json.dumps(_as_json(one), indent=2, ensure_ascii=False) + "\n")
    return path


def write_summary(folder: Path) -> Path:
    """Write README.md from the JSON files in `folder`, those of earlier runs included, and return its path."""
    found = [json.loads(path.read_text()) for path in folder.glob("s*.json")]
    # S2 before S10, and S6 before S6b.
    found.sort(key=lambda one: (int(re.sub(r"\D", "", one["bar"])), one["bar"]))
    rows, runs = [], []
    for one in found:
        figures = [Figure.of_json(each) for each in one["figures"]]
        rows += _rows(one["bar"], one["tried"], figures, one["error"] or "")
        file = f"{one['bar'].lower()}.json"
        runs.append(f"- {one['bar']}: {one['took_s']:.0f} s on {one['at'][:10]}, [{file}]({file})")
    machines = sorted({f"{one['machine']['cores']} cores, Python {one['machine']['python']}" for one in found})
    path = folder / "README.md"
    path.write_text(_PAGE.format(machine=" or ".join(machines), head=_HEAD, rows="\n".join(rows), runs="\n".join(runs)))
    return path


def _figures(one: Tried) -> Sequence[Figure]:
    return one.outcome.figures if one.outcome else ()


def _rows(name: str, words: str, figures: Sequence[Figure], error: str) -> list[str]:
    if error:
        return [f"| {name} | {words} | broke off | {error} | | **missed** |"]
    rows = []
    for figure in figures:
        rows.append(f"| {name} | {words} | {figure.name} | {figure.with_unit} | {figure.bar} | {figure.verdict} |")
        name = words = ""
    return rows


def _as_json(one: Tried) -> dict[str, Any]:
    return {
        "bar": one.bar.name,
        "tried": one.bar.tried,
        "passes": one.passes,
        "error": one.error or None,
        **here_and_now(),
        "took_s": round(one.seconds, 1),
        "figures": [figure.as_json for figure in _figures(one)],
        "findings": one.outcome.findings if one.outcome else [],
    }
