"""Pages of other origins: which may ask with a token, and what their browsers are told."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from apps.access.cross_origin import CrossOrigin

PAGE, OTHER = "https://page.example", "https://other.example"


@pytest.fixture(autouse=True)
def origins() -> Iterator[None]:
    with override_settings(TOKEN_ORIGINS=[PAGE]):
        yield


async def ask(method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bool]:
    """Return the status, the headers, and whether the application was asked at all."""
    asked, sent = [], []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope)
        answer = [(b"Vary", b"Cookie"), (b"etag", b"x")]
        await send({"type": "http.response.start", "status": 200, "headers": answer})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody needs the body")

    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await CrossOrigin(application)({"type": "http", "method": method, "headers": names}, receive, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, bool(asked)


async def test_a_page_that_may_is_shown_the_answer_and_never_with_cookies() -> None:
    status, headers, _ = await ask(origin=PAGE)
    assert status == 200
    assert headers["access-control-allow-origin"] == PAGE
    assert "etag" in headers["access-control-expose-headers"]
    assert headers["vary"] == "Cookie, Origin"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("origin", [OTHER, "null", PAGE + ".evil.example", "http://page.example", PAGE + ":444"])
async def test_any_other_page_is_shown_nothing(origin: str) -> None:
    for headers in (await ask(origin=origin), await ask("OPTIONS", origin=origin, access_control_request_method="GET")):
        assert "access-control-allow-origin" not in headers[1]
        # A cache that keeps this answer must not give it to the page that may.
        assert "Origin" in headers[1]["vary"]


async def test_a_preflight_is_answered_without_asking_anybody_who_it_is() -> None:
    status, headers, asked = await ask("OPTIONS", origin=PAGE, access_control_request_method="POST")
    assert (status, asked) == (204, False)
    assert headers["access-control-allow-methods"] == "GET, POST, PATCH, DELETE"  # all that the API has
    assert {"authorization", "content-type"} <= set(headers["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in headers


async def test_a_star_stands_for_every_origin() -> None:
    with override_settings(TOKEN_ORIGINS=["*"]):
        assert (await ask(origin=OTHER))[1]["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in (await ask())[1]


async def test_without_the_setting_nothing_is_added() -> None:
    with override_settings(TOKEN_ORIGINS=[]):
        assert (await ask(origin=PAGE))[1] == {"vary": "Cookie", "etag": "x"}
