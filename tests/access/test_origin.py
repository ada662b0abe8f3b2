"""Which pages may open a WebSocket: the site's own, those it trusts, and no page at all."""

import pytest

from apps.access.origin import SameOriginWebSockets, is_allowed

SESSION = "sessionid=abcdefgh12345678"


@pytest.fixture(autouse=True)
def site(settings) -> None:
    settings.ALLOWED_HOSTS = ["site.example", "127.0.0.1", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example", "http://trusted.example:8080", "https://*.wide.example"]
    settings.SECURE_PROXY_SSL_HEADER = None


def handshake(
    *origins: str, host: str | None = "site.example", scheme: str = "ws", cookie: str | None = SESSION, **more: str
) -> dict:
    headers = [(b"host", host.encode())] if host is not None else []
    headers += [(b"origin", origin.encode("latin-1")) for origin in origins]
    headers += [(b"cookie", cookie.encode("latin-1"))] if cookie is not None else []
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    return {"type": "websocket", "scheme": scheme, "path": "/feed/ws", "headers": headers}


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://site.example", "site.example", "ws"),
        ("http://site.example", "site.example:80", "ws"),
        ("http://site.example:80", "site.example", "ws"),
        ("http://site.example:8000", "site.example:8000", "ws"),
        ("https://site.example", "site.example", "wss"),
        ("https://site.example", "site.example:443", "wss"),
        ("http://SITE.example", "site.EXAMPLE", "ws"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "ws"),
        ("http://[::1]:8000", "[::1]:8000", "ws"),
    ],
)
def test_the_sites_own_pages_may(origin: str, host: str, scheme: str) -> None:
    assert is_allowed(handshake(origin, host=host, scheme=scheme))


@pytest.mark.parametrize(
    "origin",
    [
        "https://site.example",
        "http://site.example:8000",
        "http://site.example:443",
        "http://evil.example",
        "http://sub.site.example",
        "http://site.example.evil.example",
        "http://evilsite.example",
        "http://site.example.",
        "http://site.example@evil.example",
        "http://evil.example#http://site.example",
        "http://evil.example?http://site.example",
        "http://evil.example/http://site.example",
        "http://site.example/",
        "http://site.example/page",
        "http://site.example, http://evil.example",
        "http://site.example:99999",
        "http://site.example:x",
        "ws://site.example",
        "file://site.example",
        "chrome-extension://site.example",
        "//site.example",
        "site.example",
        "http://",
        "http:",
        "null",
        "*",
        "",
        "http://[::1",
        "http://\xff",
    ],
)
@pytest.mark.parametrize("cookie", [SESSION, None], ids=["signed in", "anonymous"])
def test_pages_of_other_origins_may_not(origin: str, cookie: str | None) -> None:
    assert not is_allowed(handshake(origin, cookie=cookie))


def test_two_origins_may_not_even_if_one_is_the_sites() -> None:
    assert not is_allowed(handshake("http://site.example", "http://evil.example"))
    assert not is_allowed(handshake("http://site.example", "http://site.example"))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://trusted.example", True),
        ("https://trusted.example:443", True),
        ("http://trusted.example:8080", True),
        ("http://trusted.example", False),
        ("https://trusted.example:8080", False),
        ("https://sub.trusted.example", False),
        ("https://a.wide.example", True),
        ("https://a.b.wide.example", True),
        ("http://a.wide.example", False),
        ("https://a.wide.example:8443", False),
        ("https://evilwide.example", False),
    ],
)
def test_origins_that_the_site_trusts_may_scheme_and_port_included(origin: str, allowed: bool) -> None:
    assert is_allowed(handshake(origin)) is allowed


def test_a_client_without_origin_and_without_session_may_since_it_is_no_browser() -> None:
    assert is_allowed(handshake(cookie=None))
    assert is_allowed(handshake(cookie="theme=dark; sessionid2=x; notsessionid=y"))


@pytest.mark.parametrize("cookie", [SESSION, f"theme=dark; {SESSION}", " sessionid =x", f'odd={{"a":1}}; {SESSION}'])
def test_a_client_without_origin_but_with_a_session_may_not(cookie: str) -> None:
    assert not is_allowed(handshake(cookie=cookie))


def test_a_session_in_a_second_cookie_header_is_seen_too() -> None:
    scope = handshake(cookie="theme=dark")
    scope["headers"].append((b"cookie", SESSION.encode()))
    assert not is_allowed(scope)


def test_a_page_is_not_the_sites_own_under_a_name_that_is_not_the_sites() -> None:
    """DNS rebinding: a name of the attacker's leads to this server, and the page's origin fits the Host header."""
    assert not is_allowed(handshake("http://evil.example:8000", host="evil.example:8000"))


@pytest.mark.parametrize("host", [None, "", "site.example/evil", "evil.example@site.example", "site.example, x"])
def test_a_host_that_cannot_be_read_makes_no_page_the_sites_own(host: str | None) -> None:
    assert not is_allowed(handshake("http://site.example", host=host))


@pytest.mark.parametrize("host", [None, "", "evil.example", "site.example.evil.example", "evil.example@site.example"])
def test_under_a_name_that_is_not_the_sites_nobody_may(host: str | None) -> None:
    assert not is_allowed(handshake(host=host, cookie=None))
    assert not is_allowed(handshake(host=host, cookie=None, authorization="Bearer rtt_x"))
    assert not is_allowed(handshake("https://trusted.example", host=host))


def test_while_nobody_has_set_names_a_site_under_development_has_djangos(settings) -> None:
    settings.ALLOWED_HOSTS = []
    settings.DEBUG = True
    assert is_allowed(handshake("http://localhost:8000", host="localhost:8000"))
    settings.DEBUG = False
    assert not is_allowed(handshake("http://localhost:8000", host="localhost:8000"))


def test_with_a_token_a_page_may_come_from_anywhere() -> None:
    assert is_allowed(handshake("https://evil.example", authorization="Bearer rtt_x"))


def test_two_hosts_make_no_page_the_sites_own() -> None:
    scope = handshake("http://site.example")
    scope["headers"].append((b"host", b"site.example"))
    assert not is_allowed(scope)


@pytest.mark.parametrize(
    ("origin", "forwarded", "allowed"),
    [
        ("https://site.example", "https", True),
        ("http://site.example", "https", False),
        ("http://site.example", "http", True),
        ("https://site.example", "http", False),
        ("https://site.example", None, False),
    ],
)
def test_behind_a_proxy_that_ends_tls_the_scheme_is_what_the_proxy_says(
    origin: str, forwarded: str | None, allowed: bool, settings
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    more = {"x_forwarded_proto": forwarded} if forwarded else {}
    assert is_allowed(handshake(origin, **more)) is allowed


def test_what_a_proxy_says_counts_only_where_the_settings_name_it() -> None:
    assert not is_allowed(handshake("https://site.example", x_forwarded_proto="https"))


@pytest.mark.parametrize(("origin", "expected"), [("http://site.example", "served"), ("http://evil.example", "closed")])
async def test_a_refused_handshake_is_closed_before_anything_looks_at_it(origin: str, expected: str) -> None:
    happened: list[str] = []

    async def application(scope, receive, send) -> None:
        happened.append("served")

    async def send(message) -> None:
        assert message == {"type": "websocket.close"}
        happened.append("closed")

    await SameOriginWebSockets(application)(handshake(origin), None, send)
    assert happened == [expected]
