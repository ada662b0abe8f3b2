"""docs/CLIENT.md: its examples run, its tables are those of the code."""

import json
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.async_api import expect

from tests.conftest import StartSite
from tests.rig.chromium import Pages
from tests.rig.editor import post
from tests.rig.site import Site

PROJECT = Path(__file__).resolve().parents[2]
CLIENT = (PROJECT / "docs" / "CLIENT.md").read_text()
MODULES = PROJECT / "apps" / "transports" / "static" / "transports"
SERVER = "https://events.example.org"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", CLIENT, re.MULTILINE | re.DOTALL)


def first_column(heading: str) -> list[str]:
    """Return the names in the first column of the table whose head begins with `heading`."""
    table = CLIENT[CLIENT.index(f"| {heading} |") :].split("\n\n", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def properties(module: str, typedef: str) -> list[str]:
    """Return the names of a typedef's properties."""
    source = (MODULES / module).read_text()
    body = re.split(r"@typedef|\*/", source[source.index(f"@typedef {{object}} {typedef}") + 8 :])[0]
    return re.findall(r"@property \{.*\} \[?(\w+)\]?", body)


def test_every_option_is_told() -> None:
    options = properties("client.js", "SubscribeOptions") + properties("registry.js", "TransportOptions")
    assert set(first_column("option")) == set(options)


def test_every_event_is_told() -> None:
    assert first_column("event") == properties("client.js", "SubscriptionEvents")


def test_every_state_is_told() -> None:
    (states,) = re.findall(r"@typedef \{(.*)\} State$", (MODULES / "client.js").read_text(), re.MULTILINE)
    assert set(first_column("state")) == set(re.findall(r'"(\w+)"', states))


def test_every_reason_to_change_the_transport_is_told() -> None:
    source = (MODULES / "transport_choice.js").read_text()
    verdicts = re.findall(r"`(\w+)`:", source[: source.index("export class")])
    told = first_column("`reason` of a `transportchange`")
    assert set(told) == set(verdicts)
    assert len(told) == 6


@pytest.fixture
def foreign_page(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A site of somebody else's: the folder it serves, and its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_the_ten_lines_work_on_somebody_elses_site(
    pages: Pages, site: StartSite, foreign_page: tuple[Path, str]
) -> None:
    pages.faults.allow("favicon.ico|/feed/ws")  # it has no icon; the site ends before the page
    folder, origin = foreign_page
    ours = site(env={"CSRF_TRUSTED_ORIGINS": origin})
    post(ours, "Posted before")
    (block,) = blocks("html")
    assert len(block.splitlines()) == 10
    (folder / "index.html").write_text(f"<!doctype html><title>Elsewhere</title>{block.replace(SERVER, ours.url)}")
    page = await pages.open(origin)
    await expect(page.locator("#news li")).to_have_text(["Posted before"])
    post(ours, "<b>Posted since</b>")
    await expect(page.locator("#news li")).to_have_text(["<b>Posted since</b>", "Posted before"])


def test_the_example_for_node_prints_the_events(live_site: Site, node: str, tmp_path: Path) -> None:
    post(live_site, "For a program")
    (example,) = (block for block in blocks("js") if "for await" in block)
    (tmp_path / "transports").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    program = tmp_path / "read.js"
    program.write_text(example.replace(SERVER, live_site.url))
    with subprocess.Popen([node, str(program)], stdout=subprocess.PIPE, text=True) as reading:
        assert reading.stdout
        first = json.loads(reading.stdout.readline())
        reading.kill()
    assert first["data"]["title"] == "For a program"
