"""`make serve` where nothing is set up yet but the packages."""

import os
import re
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT
from tests.rig.server_process import ServerProcess
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.long(20)


class MakeServe(ServerProcess):
    """`make serve`, with a folder `var` of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "make-serve")

    def command(self) -> list[str]:
        return ["make", "serve", f"PORT={self.port}"]

    def environment(self) -> dict[str, str]:
        unset = {"DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": ""}
        return os.environ | PEOPLES_SETTINGS | unset | {"VAR_DIR": str(self.folder)}

    def start(self, timeout_s: float = 200.0) -> Self:
        # Django starts four times over.
        return super().start(timeout_s)

    def _working_directory(self) -> Path:
        return PROJECT


def sign_in(origin: str, password: str) -> httpx.Response:
    """Sign in to the admin as a person does, through its form."""
    with httpx.Client(base_url=origin, follow_redirects=True, timeout=60.0) as client:
        form = client.get("/admin/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token
        credentials = {"username": "admin", "password": password, "csrfmiddlewaretoken": token[1]}
        return client.post("/admin/login/?next=/admin/", data=credentials)


@pytest.mark.timeout(300)
def test_make_serve_sets_up_says_the_password_and_where_to_go(tmp_path: Path) -> None:
    with MakeServe(tmp_path) as server:
        origin = f"http://127.0.0.1:{server.port}"
        wait_until(lambda: "Ctrl-C stops the server" in server.log, "the server to say where it is")
        assert f"Open {origin}/\n" in server.log
        assert f"Open {origin}/admin/\n" in server.log
        (password,) = re.findall(r"^password: (\S+)$", server.log, re.MULTILINE)
        assert sign_in(origin, "not " + password).url.path == "/admin/login/"
        assert sign_in(origin, password).url.path == "/admin/"
        style = re.search(r'href="(/static/[^"]+\.css)"', httpx.get(origin).text)
        assert style, "the home page has no style sheet"
        assert httpx.get(origin + style[1]).headers["Cache-Control"].endswith("immutable")
