"""What the handler in front of the doors refuses by itself, in the words of docs/PROTOCOL.md#errors."""

import httpx
import pytest

from realtime_site.asgi import application


async def ask(host: str, path: str, body: bytes = b"") -> httpx.Response:
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}", timeout=60) as client:
        return await client.request("GET", path, content=body)


async def test_a_body_that_no_door_wants_is_refused_in_json():
    answer = await ask("localhost", "/feed/poll", b"x" * 65_537)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize("path", ["/feed/poll", "/feed/sse", "/admin/live/stream", "/events", "/api/status"])
async def test_another_sites_host_name_is_refused_before_anything_is_read(path):
    answer = await ask("rebound.example", path)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_host"
    assert "rebound" not in answer.text


async def test_probes_are_answered_under_any_host_name():
    assert (await ask("10.0.0.7:8000", "/healthz")).status_code == 200
