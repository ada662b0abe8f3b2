"""The lab's faults, as a client behind the line sees them, on our server and on stock daphne."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import StartSite
from tests.lab.test_endpoints import Visitor
from tests.rig.daphne import Daphne
from tests.rig.site import Site, SiteTemplate
from tests.rig.waiting import wait_until


class Served(Daphne):
    """`manage.py serve` on a free port."""

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "serve", "--port", str(self.port), *self.options]


@pytest.fixture(params=[Daphne, Served], ids=["daphne", "serve"])
def visitor(request: pytest.FixtureRequest, site_template: SiteTemplate, tmp_path: Path) -> Iterator[Visitor]:
    site = Site(tmp_path / "site", site_template)
    site.processes = [request.param(site.folder, site.env)]
    with site, site.client() as client:
        yield Visitor(client)


def open_stream(visitor: Visitor, run: str) -> Iterator[str]:
    """Yield the lines of an SSE of the run, as the line passes them on."""
    with visitor.client.stream("GET", "/lab/line/feed/sse", params={"topic": run, "after": "start"}) as stream:
        yield from stream.iter_lines()


def test_a_restart_is_told_in_a_close_frame(visitor: Visitor) -> None:
    run = visitor.begin()
    lines = open_stream(visitor, run)
    assert next(lines) == "event: ready"
    assert visitor.post(f"/{run}/faults", {"fault": "restart"}).status_code == 201
    assert "event: close" in list(lines)


def test_a_cut_is_told_by_nobody(visitor: Visitor) -> None:
    run = visitor.begin()
    lines = open_stream(visitor, run)
    assert next(lines) == "event: ready"
    visitor.post(f"/{run}/faults", {"fault": "cut"})
    rest = []
    try:
        rest.extend(lines)
    except httpx.RemoteProtocolError:
        # Our server drops the connection; stock daphne can only be made to end the answer.
        assert "daphne" not in visitor.client.get("/healthz").headers.get("server", "")
    assert "event: close" not in rest


def test_a_run_is_one_run_over_several_processes(site: StartSite) -> None:
    both = site(processes=2, redis=True)
    with both.client() as here, both.client(process=1) as there:
        visitor = Visitor(here)
        there.cookies = here.cookies
        other = Visitor(there)
        run = visitor.begin()
        lines = open_stream(visitor, run)
        assert next(lines) == "event: ready"
        # The fault and the question go to the process that does not hold the stream.
        wait_until(lambda: other.figures(run)["doors"].get("sse", {}).get("open") == 1, "the other process's account")
        assert other.figures(run)["processes"] == 2
        assert other.post(f"/{run}/faults", {"fault": "restart"}).status_code == 201
        assert "event: close" in list(lines)
