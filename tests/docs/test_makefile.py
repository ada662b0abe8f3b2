"""The verbs of the Makefile, as `make` lists them and as the README tells them."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HIDDEN = {"chromium"}


def verbs() -> set[str]:
    """Return the verbs that the Makefile declares."""
    makefile = (PROJECT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    return set(phony.split()) - HIDDEN


def test_make_alone_lists_every_verb() -> None:
    listed = subprocess.run(["make", "--no-print-directory"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^ +make (\w+)", listed.stdout, re.MULTILINE)) == verbs()


@pytest.mark.parametrize("readme", ["README.md", "README.zh-Hans.md"])
def test_readme_tells_every_verb_and_no_other(readme: str) -> None:
    told = set(re.findall(r"\bmake ([a-z0-9]+)\b", _code(PROJECT / readme)))
    assert told == verbs() - {"help"}


def _code(page: Path) -> str:
    """Return what a page sets as code, since prose makes all sorts of things."""
    return "\n".join(re.findall(r"^```.*?^```$|`[^`\n]+`", page.read_text(), re.MULTILINE | re.DOTALL))
