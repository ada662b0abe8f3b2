"""What the deployment's files make of the operators' endpoints and of the log."""

import http.client
import json

import httpx
import pytest

from tests.faults.rig import Caddy
from tests.rig.accounts import ADMIN
from tests.rig.site import Site


@pytest.fixture(scope="module")
def through_caddy(_shared_site: Site, tmp_path_factory: pytest.TempPathFactory):
    """Return a client of the site behind Caddy."""
    folder = tmp_path_factory.mktemp("caddy")
    with (
        Caddy(folder, [process.port for process in _shared_site.processes]) as caddy,
        httpx.Client(base_url=caddy.url, timeout=60) as client,
    ):
        yield client


def status_of(client: httpx.Client, path: str) -> int:
    """Return the status of a GET, the path sent as it is written here."""
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x=1", "/METRICS", "//metrics", "/%6Detrics", "/a/../metrics"])
def test_the_public_does_not_get_the_metrics(through_caddy, path):
    assert status_of(through_caddy, path) == 404


def test_the_public_may_know_whether_the_site_is_up(through_caddy):
    assert through_caddy.get("/healthz").json()["status"] == "alive"
    assert through_caddy.get("/readyz").json()["status"] == "ready"


def test_the_live_stream_comes_through_caddy_as_it_is_sent(through_caddy, live_site: Site):
    cookies = live_site.admin.cookies()
    with through_caddy.stream("GET", "/admin/live/stream", cookies=cookies) as stream:
        lines = (line for line in stream.iter_lines() if line)
        assert len([next(lines), next(lines)]) == 2


def test_the_largest_batches_pass_the_proxy_to_the_api_and_nowhere_else(through_caddy):
    host = f"http://{through_caddy.base_url.netloc.decode()}"
    cookies = ADMIN.cookies()
    data = "x" * 15_000
    body = {"events": [{"topic": "lab.batch", "type": "big", "data": data} for _ in range(60)]}
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRFToken": cookies["csrftoken"],
        "Origin": host,
    }
    taken = through_caddy.post("/api/topics/events", json=body, headers=headers)
    assert (taken.status_code, len(taken.json()["events"])) == (201, 60)
    assert through_caddy.post("/assistant/answer", json=body, headers=headers).status_code == 413
    # Refused by the proxy: the site itself takes as much of any path, and would say 404.
    assert through_caddy.post("/nowhere/", json=body, headers=headers).status_code == 413
    over = {"events": body["events"] * 2}
    assert through_caddy.post("/api/topics/events", json=over, headers=headers).status_code == 413


def test_every_line_of_a_json_log_is_an_object(site):
    here: Site = site(env={"LOG_FORMAT": "json", "DATABASE_URL": "postgresql://site@127.0.0.1:1/none"})
    with here.client() as client:
        assert client.get("/readyz").status_code == 503
    # Daphne's own command, which this rig runs, prints each request as well.
    lines = [json.loads(line) for line in here.processes[0].log.splitlines() if line.startswith("{")]
    (refused,) = [line for line in lines if line["logger"] == "django.request" and "/readyz" in line["message"]]
    assert refused["level"] == "ERROR"
    assert refused["process"] == here.processes[0].pid
    assert refused["time"].endswith("+00:00")


def test_a_format_that_does_not_exist_is_refused(live_site: Site):
    with pytest.raises(RuntimeError, match="LOG_FORMAT"):
        live_site.manage("check", LOG_FORMAT="xml")
