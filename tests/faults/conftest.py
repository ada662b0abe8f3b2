"""One rig for the short runs within the tests: starting it is what takes time."""

from collections.abc import Iterator

import pytest

from tests.faults.rig import Rig
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import SiteTemplate


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL, site_template: SiteTemplate) -> Iterator[Rig]:
    """Return a rig of three web processes, which cut who stops reading soon; leave it as it was found."""
    folder = tmp_path_factory.mktemp("rig") / "site"
    with Rig(folder, options=("--stall-s", "2"), postgresql=postgresql, template=site_template) as rig:
        yield rig
