"""`python -m tests.faults [SCENARIO …]`: first the planted bugs, then the scenarios, then the table.

Ends with 1 if the checker missed a bug or a figure missed its bar. What was measured is written after each scenario; a
scenario that breaks off, or Ctrl-C, loses nothing of those before, and `--resume` plays the rest.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.faults import planted_bugs
from tests.faults.checker import Verdict
from tests.faults.load import Shape
from tests.faults.network import enter_own_network
from tests.faults.progress import Progress, Remaining, read_outcome
from tests.faults.report import Played, save, save_planted, table, write_summary
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario
from tests.faults.scenarios import SCENARIOS
from tests.rig.daphne import PROJECT
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import SiteTemplate

RESULTS = PROJECT / "docs" / "results"
PROGRESS = PROJECT / "var" / "faults.json"
# A sign of life for whoever waits.
PROGRESS_S = 30.0
# Beyond a scenario's own length: by then it hangs.
PATIENCE_S = 2_400.0


def main() -> int:
    progress, arguments = _asked()
    no_drops = enter_own_network()
    # As Ctrl-C does: the servers end with the rig.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = arguments.scenarios or list(SCENARIOS)
    began_s = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began_s:7.1f} s  {words}", flush=True)

    shape = Shape(arguments.clients, arguments.publishes, arguments.topics, arguments.topics_per_client)
    say(f"load: {shape.words}")
    lengths = {name: _length(arguments, SCENARIOS[name], shape, say) for name in names}
    played = [Played(SCENARIOS[name], *read_outcome(name, RESULTS)) for name in names if name in progress.measured]
    left = [name for name in names if name not in progress.measured]
    progress.keep()
    remaining = Remaining([(SCENARIOS[name], lengths[name]) for name in left], RESULTS)
    say(f"{len(left)} scenarios to play, {len(played)} measured before; {remaining.words()}")
    caught = "planted bugs: not tried"
    with tempfile.TemporaryDirectory(prefix="realtime-faults-") as folder, contextlib.suppress(KeyboardInterrupt):
        root = Path(folder)
        with PostgreSQL(root / "postgresql") as postgresql:
            template = SiteTemplate(root / "template")
            results = None if arguments.dry else RESULTS
            if not arguments.skip_planted:
                verdicts = _plant_bugs(root, postgresql, template, say, results)
                caught = _planted_words(verdicts)
                say(caught)
                if not all(planted_bugs.is_caught(bug, verdict) for bug, verdict in verdicts.items()):
                    say("the checker missed a planted bug: nothing it says of the scenarios would mean anything")
                    return 1
            for name in left:
                scenario = SCENARIOS[name]
                remaining.begins(name)
                if scenario.needs_own_network and no_drops:
                    say(f"{name} is not run: {no_drops}")
                    played.append(Played(scenario, None, 0.0, not_run=no_drops))
                    continue
                say(f"{name}, {len(played) + 1} of {len(names)}: {scenario.fault}; {remaining.words()}")
                played.append(_play(scenario, lengths[name], root / name, postgresql, template, remaining))
                if results is not None:
                    for path in (*save(played[-1], results), write_summary(results)):
                        say(f"wrote {path.relative_to(PROJECT)}")
                if played[-1].outcome is not None:
                    progress.note(name)
    played.sort(key=lambda one: names.index(one.scenario.name))
    print(f"\n{table(played)}\n\n{caught}")
    if len(played) < len(names):
        there = {one.scenario.name for one in played}
        print(f"interrupted: not run: {', '.join(name for name in names if name not in there)}")
        if progress.path is not None:
            print("make faults ARGS=--resume plays these")
        return 1
    progress.end()
    return 0 if all(one.passes or one.not_run for one in played) else 1


def _length(arguments: argparse.Namespace, scenario: Scenario, shape: Shape, say: Callable[[str], None]) -> Length:
    seconds, count = scenario.seconds, None
    if arguments.quick:
        seconds, count = scenario.quick_seconds or seconds, scenario.quick_count
    if arguments.minutes:
        seconds = arguments.minutes * 60
    return Length(arguments.seconds or seconds, shape, arguments.count or count, say)


def _asked() -> tuple[Progress, argparse.Namespace]:
    """Return what is to be played: what the command line says, or what is left of an interrupted run."""
    words = sys.argv[1:]
    arguments = _parse(words)
    if not arguments.resume:
        return Progress(None if arguments.dry else PROGRESS, words), arguments
    try:
        progress = Progress.of_interrupted(PROGRESS)
    except FileNotFoundError:
        sys.exit("there is nothing to resume: no run was interrupted")
    return progress, _parse(progress.words)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults ARGS=…", description="Inject faults, and check the promise.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a short version of each; for the bars, run the long one")
    parser.add_argument("--seconds", type=float, help="length of each scenario (default: its own)")
    parser.add_argument("--minutes", type=float, help="the same in minutes, for a long soak")
    parser.add_argument("--count", type=int, help="publishes, races, connections … (default: the scenario's own)")
    parser.add_argument("--clients", type=int, default=20, help="clients on each door (default: 20)")
    parser.add_argument("--publishes", type=float, default=50, help="publishes a second (default: 50)")
    parser.add_argument("--topics", type=int, default=30, help="topics, 3 or more (default: 30)")
    parser.add_argument("--topics-per-client", type=int, default=3, help="at most 18 (default: 3)")
    parser.add_argument("--skip-planted", action="store_true", help="take the checker's word without its own test")
    parser.add_argument("--dry", action="store_true", help="write nothing to docs/results")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run that was interrupted, as it was begun"
    )
    arguments = parser.parse_args(words)
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    return arguments


def _plant_bugs(
    root: Path, postgresql: PostgreSQL, template: SiteTemplate, say: Callable[[str], None], results: Path | None
) -> dict[str, Verdict]:
    say("planting bugs")
    with planted_bugs.sites(root / "planted", postgresql, template) as rigs:
        verdicts = asyncio.run(planted_bugs.caught(rigs))
    for bug, verdict in verdicts.items():
        found = ", ".join(f"{count} {name}" for name, count in verdict.counts.items())
        say(f"{'caught' if planted_bugs.is_caught(bug, verdict) else 'MISSED'}: {bug or 'no bug, nothing'} ({found})")
    if results is not None:
        save_planted(verdicts, results)
    return verdicts


def _planted_words(verdicts: Mapping[str, Verdict]) -> str:
    caught = sum(planted_bugs.is_caught(bug, verdicts[bug]) for bug in planted_bugs.BUGS)
    return f"planted bugs: {caught} of {len(planted_bugs.BUGS)} caught"


def _play(
    scenario: Scenario,
    length: Length,
    folder: Path,
    postgresql: PostgreSQL,
    template: SiteTemplate,
    remaining: Remaining,
) -> Played:
    began_s = time.monotonic()
    try:
        with Rig(folder, postgresql=postgresql, template=template, **scenario.rig) as rig:
            outcome = asyncio.run(_with_signs_of_life(scenario, rig, length, remaining))
    except Exception as error:  # the other scenarios still have something to say
        length.say(f"{scenario.name} broke off: {type(error).__name__} {error}")
        words = f"{type(error).__name__} {error}".splitlines()[0]
        return Played(scenario, None, time.monotonic() - began_s, words, length=length)
    for finding in outcome.findings:
        length.say(f"  {finding}")
    missed = [figure.name for figure in outcome.figures if not figure.passes]
    length.say(f"{scenario.name} {'missed its bar: ' + ', '.join(missed) if missed else 'kept its bar'}")
    return Played(scenario, outcome, time.monotonic() - began_s, length=length)


async def _with_signs_of_life(scenario: Scenario, rig: Rig, length: Length, remaining: Remaining) -> Outcome:
    async def tell() -> None:
        began_s = time.monotonic()
        while True:
            await asyncio.sleep(PROGRESS_S)
            gone_s = time.monotonic() - began_s
            length.say(f"  {scenario.name} has been running for {gone_s:.0f} s; {remaining.words()}")

    telling = asyncio.create_task(tell())
    try:
        async with asyncio.timeout(length.seconds + PATIENCE_S):
            return await scenario.play(rig, length)
    finally:
        telling.cancel()


if __name__ == "__main__":
    sys.exit(main())
