"""The rig's own test: four sites, each with another bug planted, and a checker that has to catch all four."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults.checker import Verdict, judge
from tests.faults.load import CATCH_UP_S, Load, Shape
from tests.faults.rig import Rig
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import SiteTemplate

# bug -> what the checker has to call it. The names are those in planted.py, which only a site's process can import.
BUGS = {
    "cursor_over_auto_increment_ids": "lost",
    "skipped_catch_up": "lost",
    "dropped_deduplication": "duplicated",
    "open_personal_topic": "leaked",
}
SHAPE = Shape(clients_per_door=2, publishes_per_s=40, topics=3, topics_per_client=1)
PUBLISHES = 50  # on each site


@contextmanager
def sites(folder: Path, postgresql: PostgreSQL, template: SiteTemplate) -> Iterator[dict[str, Rig]]:
    """Run a site for each bug, and one with none (its name is empty), on one PostgreSQL server."""
    rigs: dict[str, Rig] = {}
    with ExitStack() as running:
        for bug in ("", *BUGS):
            env = {"PLANTED": bug, "DJANGO_SETTINGS_MODULE": "tests.faults.planted_settings"}
            rig = Rig(folder / (bug or "none"), web=1, env=env, postgresql=postgresql, template=template)
            rigs[bug] = running.enter_context(rig)
        yield rigs


async def exercise(rig: Rig, bug: str) -> Verdict:
    """Publish, cut replies and connections, until there was chance enough for each bug to show, and judge."""
    # What a bug lost never comes: no use in waiting long.
    load = Load(rig, SHAPE, cut=0.3, catch_up_s=3.0 if bug else CATCH_UP_S)
    async with load.running():
        while len(load.published.acknowledged) < PUBLISHES:
            await asyncio.sleep(0.2)
            for client in random.sample(load.readers, 3):
                client.cut()
    return judge(load.history)


async def caught(rigs: dict[str, Rig]) -> dict[str, Verdict]:
    """Exercise all sites at once and return what the checker found, by bug."""
    verdicts = await asyncio.gather(*(exercise(rig, bug) for bug, rig in rigs.items()))
    return dict(zip(rigs, verdicts, strict=True))


def is_caught(bug: str, verdict: Verdict) -> bool:
    """Return whether the checker called the bug by its name; without a bug, whether it found nothing."""
    if not bug:
        return verdict.is_clean
    findings = {"lost": verdict.lost, "duplicated": verdict.duplicated, "leaked": verdict.leaked}[BUGS[bug]]
    # Ids leave holes in the log by themselves, which anybody sees; what counts is the event that a client never got.
    return any(finding.who != "log" or BUGS[bug] == "duplicated" for finding in findings)
