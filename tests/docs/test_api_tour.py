"""The tour of docs/API.md, replayed command by command: what curl prints is what stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.rig.daphne import PROJECT

PAGE = Path("docs/API.md").read_text()
TOUR = PAGE[PAGE.index("## A tour with curl") : PAGE.index("## From Python")]
STEPS = re.findall(r"```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", TOUR.replace("…", ""), re.DOTALL)


def as_documented(printed: str) -> str:
    """Return what was printed, with the values of another day replaced by those on the page."""
    printed = re.sub(r'"((?:posted_at|time))":"[^"]*"', r'"\1":"2026-11-22T08:00:00.000Z"', printed)
    printed = re.sub(r'"cursor":"[a-z0-9]+~', '"cursor":"k3f9~', printed)
    return re.sub(r'"id":\d+', '"id":7', printed)


def test_the_tour_answers_as_the_page_says(live_site):
    assert len(STEPS) == TOUR.count("```sh") == 6
    # The answers of curl end without a line break.
    curl = 'curl() { command curl "$@"; echo; }\n'
    script = curl + "".join(f"{commands}echo '=== {number}'\n" for number, (commands, _) in enumerate(STEPS))
    # Not all of this process's own: it is on the settings of the tests.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**live_site.env, "SITE": live_site.url, "PATH": path, "no_proxy": "*"}

    ran = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=240
    )

    assert ran.returncode == 0, ran.stderr
    printed = re.split(r"=== \d+\n", ran.stdout)[:-1]
    for (commands, expected), one in zip(STEPS, printed, strict=True):
        assert as_documented(one) == expected, commands
