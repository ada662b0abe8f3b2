"""The short form of every bar that has one; `make security` tries all of them at length."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rig import Rig
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import SiteTemplate
from tests.security.bars import BARS, rights_matrix

pytestmark = pytest.mark.long(12)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL, site_template: SiteTemplate) -> Iterator[Rig]:
    """Return a site of three web processes, with its pages."""
    folder = tmp_path_factory.mktemp("rig") / "site"
    with Rig(folder, pages=True, postgresql=postgresql, template=site_template) as rig:
        yield rig


@pytest.mark.parametrize("name", [bar.name for bar in BARS.values() if bar.short is not None])
async def test_nobody_breaks_in(rig: Rig, name: str) -> None:
    bar = BARS[name]
    assert bar.short is not None
    outcome = await bar.play(rig, bar.short, print)
    # A machine that is busy with other tests says nothing about time: those bars are for `make security`.
    missed = [figure for figure in outcome.figures if not figure.passes and figure.unit != "s"]
    assert missed == [], outcome.findings


async def test_the_matrix_catches_an_open_topic(
    tmp_path: Path, postgresql: PostgreSQL, site_template: SiteTemplate
) -> None:
    env = {"PLANTED": "open_personal_topic", "DJANGO_SETTINGS_MODULE": "tests.faults.planted_settings"}
    with Rig(tmp_path / "site", web=1, env=env, postgresql=postgresql, template=site_template) as rig:
        outcome = await rights_matrix.play(rig, 0, print, topics=[rights_matrix.PERSONAL])
    wrong = next(figure for figure in outcome.figures if figure.name == "wrong cells")
    # For the member and for staff, to read and to read back, on five doors.
    assert wrong.value == 20, outcome.findings
