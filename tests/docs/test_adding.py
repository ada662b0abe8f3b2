"""docs/ADDING.md, followed word for word in a new project."""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from apps.transports.registry import DOORS
from tests.conformance.readers import READERS
from tests.conformance.wires import NetworkWire
from tests.rig.daphne import PROJECT
from tests.rig.server_process import ServerProcess

ADDING = (PROJECT / "docs" / "ADDING.md").read_text()
ENV = os.environ | {"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": ""}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", ADDING, re.MULTILINE | re.DOTALL)


class Served(ServerProcess):
    """The new project under the page's own command."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "mysite")

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"]

    def environment(self) -> dict[str, str]:
        return ENV

    def _working_directory(self) -> Path:
        return self.folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a new project that has followed the page up to `migrate`."""
    (tmp_path / "five-doors").symlink_to(PROJECT)
    folder = tmp_path / "mine"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "django", "startproject", "mysite", "."], cwd=folder, check=True)
    copying, serving = blocks("sh")
    for command in copying.splitlines():
        if not command.startswith("pip "):  # they are here
            subprocess.run(command, shell=True, cwd=folder, check=True)
    files = re.findall(
        r"^`(mysite/\w+\.py)`, (at its end|the whole file):\n\n```python\n(.*?)^```$", ADDING, re.M | re.S
    )
    assert len(files) == 3
    for name, where, text in files:
        path = folder / name
        path.write_text(path.read_text() + text if where == "at its end" else text)
    assert serving == "python manage.py migrate\npython manage.py runserver\n"
    manage(folder, "migrate", "--no-input")
    return folder


def manage(folder: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, "manage.py", *words], cwd=folder, env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def served(project: Path) -> Iterator[Served]:
    with Served(project) as server:
        yield server


def test_pages_and_the_client_are_served(served: Served) -> None:
    (client,) = re.findall(r'from "(/static/.+?)"', blocks("html")[0])
    with httpx.Client(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as browser:
        assert browser.get("/admin/login/").status_code == 200
        answer = browser.get(client)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "subscribe" in answer.text


async def test_an_event_arrives_at_all_five_doors(project: Path, served: Served) -> None:
    publishing = blocks("python")[-1]
    assert "log.append(" in publishing
    wire = NetworkWire(f"http://127.0.0.1:{served.port}")
    async with contextlib.AsyncExitStack() as stack:
        doors = []
        for door in DOORS:
            reads = READERS[door.name](wire, door.path).reads("notifications", after="now")
            doors.append(await stack.enter_async_context(reads))
            await anext(doors[-1])  # the door is open
        manage(project, "shell", "-c", publishing)
        for reads in doors:
            async with asyncio.timeout(60):
                while not (seen := await anext(reads)).events:
                    pass
            (event,) = seen.events
            assert (event["type"], event["data"]) == ("order.shipped", {"order": 4711})
