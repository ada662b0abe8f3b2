"""What answers tell browsers."""

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.access.answer_headers import ON_DATA, ON_PAGES
from tests.rig.site import Site

PAGES = ["/", "/demos/sse/", "/account/sign-in/", "/admin/login/", "/no-such-page", "/static/demos/favicon.svg"]
DATA = ["/feed/poll?topic=notifications", "/feed/poll?topic=staff.live", "/api/status", "/healthz", "/lab/clock"]
# What they answer is somebody's own.
PRIVATE = [
    *("/account/", "/account/password/", "/demos/sse/", "/admin/", "/admin/live/", "/admin/api/apikey/"),
    *("/feed/poll?topic=staff.live", "/feed/long-poll?topic=staff.live&timeout=0", "/api/topics/staff.live/events"),
    *("/feed/poll?topic=user.7", "/feed/poll?topic=staff.live&after=garbage"),
]


@pytest.fixture(scope="module")
def headers_of(_shared_site: Site):
    with httpx.Client(base_url=_shared_site.url, timeout=60) as client:
        yield lambda path: client.get(path).headers


@pytest.mark.parametrize("path", PAGES)
def test_pages_say_what_nobody_may_do_with_them(headers_of, path: str) -> None:
    headers = headers_of(path)
    expected = dict(ON_PAGES)
    if path.startswith("/static/"):  # open to every origin
        expected["Cross-Origin-Resource-Policy"] = "cross-origin"
    else:
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert {name: headers.get(name) for name in expected} == expected


@pytest.mark.parametrize("path", DATA)
def test_data_is_no_page_whatever_is_in_it(headers_of, path: str) -> None:
    headers = headers_of(path)
    assert {name: headers.get(name) for name in ON_DATA} == ON_DATA


@pytest.mark.parametrize("door", ["sse", "stream"])
def test_streams_too(live_site: Site, door: str) -> None:
    with httpx.stream("GET", f"{live_site.url}/feed/{door}?topic=notifications", timeout=60) as answer:
        assert {name: answer.headers.get(name) for name in ON_DATA} == ON_DATA


@pytest.mark.parametrize(
    ("path", "kept"), [("/", True), ("/account/sign-in/", True), ("/admin/login/", False), ("/admin/", False)]
)
@pytest.mark.django_db
def test_text_never_becomes_markup_but_in_the_admin(client: Client, path: str, kept: bool) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    policy = client.get(path, follow=True)["Content-Security-Policy"]
    assert ("require-trusted-types-for 'script'" in policy) == kept
    assert "default-src 'self'" in policy


@pytest.mark.django_db
def test_what_was_made_for_somebody_is_kept_by_no_cache(client: Client) -> None:
    assert "Cache-Control" not in client.get("/demos/sse/")
    client.force_login(User.objects.create_user("ada"))
    assert client.get("/demos/sse/")["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", PRIVATE)
def test_no_cache_gives_what_was_somebodys_own_to_the_next(live_site: Site, path: str) -> None:
    with live_site.client(live_site.admin) as client:
        told = client.get(path).headers["Cache-Control"]
    assert "private" in told or "no-store" in told


@pytest.mark.parametrize("door", ["sse", "stream"])
def test_no_cache_gives_a_stream_out_again(live_site: Site, door: str) -> None:
    address = f"{live_site.url}/feed/{door}?topic=staff.live"
    with httpx.stream("GET", address, cookies=live_site.admin.cookies(), timeout=60) as answer:
        assert answer.status_code == 200
        assert "no-cache" in answer.headers["Cache-Control"]
