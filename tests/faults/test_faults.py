"""Short runs of the fault rig; `make faults` runs them at length, with more load and more scenarios."""

from pathlib import Path

import pytest

from tests.faults import planted_bugs
from tests.faults.load import Shape
from tests.faults.rig import Rig
from tests.faults.scenario import Length
from tests.faults.scenarios import SCENARIOS
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import SiteTemplate

pytestmark = pytest.mark.long(20)

SMALL = Shape(clients_per_door=2, publishes_per_s=8, topics=6, topics_per_client=3)


# R6 is half of it without the fault, to compare with. Its count is of readers, R9 and R11 do as many as they can.
@pytest.mark.parametrize(
    ("name", "seconds", "count"), [("R1", 15, None), ("R6", 10, 1), ("R9", 15, None), ("R11", 15, None)]
)
async def test_nothing_is_lost(rig: Rig, name: str, seconds: float, count: int | None) -> None:
    outcome = await SCENARIOS[name].play(rig, Length(seconds, SMALL, count))
    # A machine that is busy with other tests says nothing about time: those bars are for `make faults`.
    missed = [figure for figure in outcome.figures if not figure.passes and figure.unit not in ("s", "1/s", "MB/s")]
    assert missed == [], outcome.findings


async def test_the_checker_catches_each_planted_bug(
    tmp_path: Path, postgresql: PostgreSQL, site_template: SiteTemplate
) -> None:
    with planted_bugs.sites(tmp_path, postgresql, site_template) as rigs:
        verdicts = await planted_bugs.caught(rigs)
    missed = {bug: verdict for bug, verdict in verdicts.items() if not planted_bugs.is_caught(bug, verdict)}
    assert missed == {}
