"""Nothing outside the folder of static files is served as one."""

import http.client

import pytest

from tests.rig.site import Site

# `static` is a folder beside the database; the project is where the processes run.
LEADING_OUT = [
    "../site.sqlite3",
    "../../static/../site.sqlite3",
    "..%2fsite.sqlite3",
    "%2e%2e/site.sqlite3",
    "%2e%2e%2fsite.sqlite3",
    "%252e%252e%252fsite.sqlite3",
    "..%5csite.sqlite3",
    "demos/../../site.sqlite3",
    "....//site.sqlite3",
    "..;/site.sqlite3",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "../../../../../../../../etc/passwd",
    "..%c0%af..%c0%afetc/passwd",
    "demos/favicon.svg/../../../site.sqlite3",
    "demos/favicon.svg%00.png",
    "demos/",
    "",
]


@pytest.mark.parametrize("path", LEADING_OUT)
def test_a_path_that_leads_out_of_the_folder_finds_nothing(live_site: Site, path: str) -> None:
    status, body = get_as_written(live_site, f"/static/{path}")
    assert status == 404
    assert b"SQLite format" not in body
    assert b"root:" not in body


def test_the_paths_are_sent_as_they_are_written_here(live_site: Site) -> None:
    assert (live_site.folder / "static" / "demos" / "favicon.svg").exists()
    assert (live_site.folder / "site.sqlite3").exists()
    assert get_as_written(live_site, "/static/demos/favicon.svg")[0] == 200


def get_as_written(site: Site, path: str) -> tuple[int, bytes]:
    """Return status and body of a GET whose path no client has tidied up."""
    connection = http.client.HTTPConnection("127.0.0.1", site.processes[0].port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
