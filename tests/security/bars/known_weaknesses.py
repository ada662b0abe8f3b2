"""S10: what programs that know weaknesses find: Django's own check, bandit, a scan for secrets, fixed releases."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.operations.test_compose import environment_of
from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT
from tests.rig.figure import Figure
from tests.security.bar import Bar, Say
from tests.security.fixed_releases import FLOORS, below, pinned

CODE = ("apps", "realtime_site", "deploy", "manage.py")
# Where there is nothing to find but hashes of packages, and of functions.
NOT_SCANNED = r"(^|/)(requirements[^/]*\.txt|package-lock\.json|test_adapter_pins\.py)$|\.(po|mo|png)$"
# What was looked at and is no secret: files, kind of finding -> why.
REVIEWED: dict[tuple[str, str], str] = {
    (r"tests/.*", "Secret Keyword"): "passwords and keys of sites that live for a test",
    (r"tests/.*", "Basic Auth Credentials"): "addresses of servers that do not exist",
    (r"tests/assistant/test_questions\.py", "GitHub Token"): "an address with a made-up one, to see that it is refused",
    (r"apps/api/models\.py", "Secret Keyword"): "where a key's text and its hash are kept apart",
    (r"apps/audit/models\.py", "Secret Keyword"): "the names of what is written down: a password was changed, reset",
    (r"apps/benchmark/servers/usual_channels\.py", "Secret Keyword"): "a server that lives for some seconds",
    (r"realtime_site/environment\.py", "Basic Auth Credentials"): "the shape of an address, in an error message",
    (r"docs/.*\.md", "Basic Auth Credentials"): "examples",
    (r"docs/.*\.md", "Secret Keyword"): "examples",
}


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    """Run each of them once, in threads, since they are programs of their own."""
    check = await asyncio.to_thread(_check_deploy, rig.folder)
    say(f"check --deploy: {len(check)} issues")
    code = await asyncio.to_thread(_bandit)
    say(f"bandit: {len(code['results'])} issues of any severity")
    secrets, files = await asyncio.to_thread(_secrets)
    say(f"secrets: {files} files, {len(secrets)} findings that nobody has looked at")
    old = below(FLOORS, pinned())
    severe = [one for one in code["results"] if one["issue_severity"] in ("MEDIUM", "HIGH")]
    return Outcome(
        [
            Figure("issues of check --deploy", len(check), at_most=0),
            Figure("lines that bandit read", code["metrics"]["_totals"]["loc"], at_least=5_000),
            Figure("issues of bandit, medium or high", len(severe), at_most=0),
            Figure("of low severity", len(code["results"]) - len(severe)),
            Figure("files scanned for secrets", files, at_least=300),
            Figure("secrets", len(secrets), at_most=0),
            Figure("packages with a floor", len(FLOORS)),
            Figure("of these below it", len(old), at_most=0),
        ],
        findings=[
            *check,
            *(f"{one['filename']}:{one['line_number']} {one['test_id']} {one['issue_text']}" for one in severe),
            *secrets,
            *old,
        ],
    )


def _check_deploy(folder: Path) -> list[str]:
    """Run Django's check for deployment with the settings that docker compose gives, and return what it says."""
    private = folder / "check"
    private.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(private)} | PEOPLES_SETTINGS | environment_of("web", private),
        capture_output=True,
        text=True,
        timeout=300,
    )
    issues = re.findall(r"^\S*: \(.*$", done.stderr, re.MULTILINE)
    return issues or ([] if done.returncode == 0 else [f"it ended with {done.returncode}: {done.stderr[-300:]}"])


def _bandit() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-f", "json", "-r", *CODE],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _secrets() -> tuple[list[str], int]:
    """Scan the files of the repository; return what nobody has looked at, and how many files were scanned."""
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True)
    files = [name for name in listed.stdout.splitlines() if not re.search(NOT_SCANNED, name)]
    done = subprocess.run(
        [sys.executable, "-m", "detect_secrets", "scan", *files],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    found = json.loads(done.stdout)["results"]
    return [
        f"{name}:{one['line_number']} {one['type']}"
        for name, ones in found.items()
        for one in ones
        if not _is_reviewed(name, one["type"])
    ], len(files)


def _is_reviewed(name: str, kind: str) -> bool:
    return any(re.fullmatch(pattern, name) and kind == reviewed for pattern, reviewed in REVIEWED)


BAR = Bar("S10", "check --deploy, bandit, a scan for secrets, fixed releases", play, full=1, short=None)
