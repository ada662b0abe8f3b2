"""docs/ADDING.md, followed word for word in a new project."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

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
        return [sys.executable, "manage.py", "serve", "--port", str(self.port)]

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
    assert serving == "python manage.py migrate\npython manage.py serve\n"
    manage(folder, "migrate", "--no-input")
    return folder


def manage(folder: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, "manage.py", *words], cwd=folder, env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_event_arrives_in_a_new_project(project: Path) -> None:
    publishing = blocks("python")[-1]
    assert "log.append(" in publishing
    with Served(project) as server, httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        assert client.get("/admin/login/").status_code == 200
        with client.stream("GET", "/feed/sse?topic=notifications&after=now") as stream:
            lines = stream.iter_lines()
            next(line for line in lines if line)  # ready: the stream is open
            manage(project, "shell", "-c", publishing)
            event = next(json.loads(line[6:]) for line in lines if line.startswith("data: ") and "4711" in line)
    assert (event["type"], event["data"]) == ("order.shipped", {"order": 4711})
