"""The verbs of the Makefile, as `make` lists them and as the README tells them."""

import re
import subprocess
from pathlib import Path

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
