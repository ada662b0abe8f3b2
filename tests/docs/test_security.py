"""SECURITY.md and docs/results/security, held to what there is."""

import re
from pathlib import Path

import pytest

from tests.security.bars import BARS

PROJECT = Path(__file__).resolve().parents[2]
SECURITY = (PROJECT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:apps|tests|deploy|docs)/[\w./-]+|docker-compose\.yml)(?:::(\w+))?`", SECURITY)))


@pytest.mark.parametrize(("name", "test"), NAMED, ids=["::".join(filter(None, each)) for each in NAMED])
def test_what_it_names_exists(name: str, test: str) -> None:
    path = PROJECT / name
    assert path.exists()
    if test:
        assert re.search(rf"^(?:async )?def {test}\(", path.read_text(), re.MULTILINE)


def test_every_bar_that_it_names_is_tried_and_every_bar_is_named() -> None:
    tables = "\n".join(line for line in SECURITY.splitlines() if line.startswith("|"))
    numbers = {name.rstrip("bc") for name in BARS}  # S6 has two halves, S9 three parts
    assert set(re.findall(r"\bS\d+\b", tables)) <= numbers
    assert numbers <= set(re.findall(r"\bS\d+\b", SECURITY))


@pytest.mark.parametrize("row", [line for line in SECURITY.splitlines() if line.startswith("| ")])
def test_every_row_says_what_is_tried_what_stops_it_and_what_shows_it(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 3
    assert all(cells)
    if not row.startswith("| what is tried"):
        assert re.search(r"\bS\d+\b|`tests/", cells[2])
