"""`python -m tests.security [BAR …]`: try to break in, print the table and write it down.

Ends with 1 if a bar was missed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.rig import Rig
from tests.rig.daphne import PROJECT
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import SiteTemplate
from tests.security.bar import Bar, Say, Tried
from tests.security.bars import BARS
from tests.security.report import save, table, write_summary

RESULTS = PROJECT / "docs" / "results" / "security"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make security ARGS=…", description="Try to break in.")
    parser.add_argument("bars", nargs="*", metavar="BAR", help=f"of {', '.join(BARS)} (default: all)")
    parser.add_argument(
        "--count", type=int, help="attempts of each bar, for a try: nothing is written (default: its own)"
    )
    parser.add_argument("--dry", action="store_true", help="write nothing to docs/results")
    arguments = parser.parse_args()
    if unknown := set(arguments.bars) - set(BARS):
        parser.error(f"there is no bar {', '.join(sorted(unknown))}; there are {', '.join(BARS)}")
    began_s = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began_s:7.1f} s  {words}", flush=True)

    with tempfile.TemporaryDirectory(prefix="realtime-security-") as folder:
        root = Path(folder)
        with PostgreSQL(root / "postgresql") as postgresql:
            template = SiteTemplate(root / "template")
            tried = []
            for name in arguments.bars or BARS:
                bar = BARS[name]
                say(f"{name}: {bar.tried}")
                site = Rig(root / name, pages=True, env=bar.env, postgresql=postgresql, template=template)
                with site as rig:
                    tried.append(_try(bar, rig, arguments.count or bar.full, say))
                if not arguments.dry and arguments.count is None:
                    for path in (save(tried[-1], RESULTS), write_summary(RESULTS)):
                        say(f"wrote {path.relative_to(PROJECT)}")
    print(f"\n{table(tried)}\n")
    return 0 if all(one.passes for one in tried) else 1


def _try(bar: Bar, rig: Rig, count: int, say: Say) -> Tried:
    began_s = time.monotonic()
    try:
        outcome = asyncio.run(bar.play(rig, count, say))
    except Exception as error:  # the other bars still have something to say
        say(f"{bar.name} broke off: {type(error).__name__} {error}")
        words = f"{type(error).__name__} {error}".splitlines()[0]
        return Tried(bar, None, time.monotonic() - began_s, words)
    for finding in outcome.findings:
        say(f"  {finding}")
    return Tried(bar, outcome, time.monotonic() - began_s)


if __name__ == "__main__":
    sys.exit(main())
