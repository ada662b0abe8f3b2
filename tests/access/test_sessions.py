"""Who is asking: the user of the session, nobody, or unknown because the database is away."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from apps.access.identified import Identified
from apps.access.identity import ANONYMOUS, Identity
from apps.events import queries

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    return User.objects.create_user("reader", password="first")


@pytest.fixture
def session_key(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


async def identify(*cookies: str) -> Identity | None:
    """Return whom an application sees behind these Cookie headers."""
    scopes: list[dict] = []

    async def application(scope, receive, send) -> None:
        scopes.append(scope)

    scope = {"type": "http", "path": "/feed/sse", "headers": [(b"cookie", c.encode("latin-1")) for c in cookies]}
    await Identified(application)(scope, None, None)
    assert "identity" not in scope
    assert scopes[0] == scope | {name: scopes[0][name] for name in ("identity", "identified_at")}
    return scopes[0]["identity"]


async def test_without_a_cookie_one_is_anonymous_and_no_query_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "run", None)
    assert await identify() is ANONYMOUS
    assert await identify("theme=dark") is ANONYMOUS
    assert await identify("sessionid=") is ANONYMOUS


async def test_with_a_session_one_is_its_user(user: User, session_key: str) -> None:
    for cookies in [f"sessionid={session_key}"], ["theme=dark", f"language=zh; sessionid={session_key}"]:
        identity = await identify(*cookies)
        assert identity is not None
        assert (identity.user_id, identity.username) == (str(user.pk), "reader")


def test_an_identity_knows_groups_and_permissions(user: User, session_key: str) -> None:
    permission = Permission.objects.get(codename="view_user")
    editors = Group.objects.create(name="editors")
    editors.permissions.add(permission)
    user.groups.add(editors)
    identity = async_to_sync(identify)(f"sessionid={session_key}")
    assert identity is not None
    assert identity.groups == {"editors"}
    assert identity.has_permission("auth.view_user")
    assert not identity.has_permission("auth.change_user")


def test_an_identity_tells_nobody_its_session(session_key: str) -> None:
    assert session_key not in repr(async_to_sync(identify)(f"sessionid={session_key}"))


@pytest.mark.parametrize(
    "other",
    ['consent={"all":true}', "a[b]=c", "lonely", "=", "name=a b", 'quoted="half', "\xe5=\x90"],
)
async def test_other_cookies_however_odd_hide_no_session(other: str, user: User, session_key: str) -> None:
    """Django's pages read past them, and a user whom the pages know must not be a stranger here."""
    for cookies in f"{other}; sessionid={session_key}", f"sessionid={session_key}; {other}":
        assert (await identify(cookies)).user_id == str(user.pk)


@pytest.mark.parametrize(
    "key", ["unknown-key-unknown-key-unknown1", "x", '"abcdefgh\\000ijkl"', "\x7f\x80\xff", "x" * 5_000, "' OR 1=1 --"]
)
async def test_a_session_that_does_not_exist_is_nobodys(key: str) -> None:
    assert await identify(f"sessionid={key}") is ANONYMOUS


@pytest.fixture
def changed_password(user: User, session_key: str) -> None:
    user.set_password("second")
    user.save()


@pytest.fixture
def deactivated(user: User, session_key: str) -> None:
    user.is_active = False
    user.save()


@pytest.fixture
def deleted(user: User, session_key: str) -> None:
    user.delete()


@pytest.fixture
def expired(session_key: str) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def damaged(session_key: str) -> None:
    Session.objects.update(session_data="damaged")


@pytest.mark.parametrize("what", ["changed_password", "deactivated", "deleted", "expired", "damaged"])
def test_a_session_ends_with(what: str, session_key: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(what)
    assert async_to_sync(identify)(f"sessionid={session_key}") is ANONYMOUS


async def test_while_the_database_is_away_one_is_unknown_unless_there_is_nothing_to_look_up(
    session_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(queries, "_with_fresh_connection", refuse)
    assert await identify(f"sessionid={session_key}") is None
    assert await identify() is ANONYMOUS


def test_looking_at_a_session_of_an_old_secret_key_does_not_change_it(user: User, session_key: str, settings) -> None:
    """Django's own check moves such a session to a new key, which no Set-Cookie would tell the browser from here."""
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    before = list(Session.objects.values())
    for _ in range(2):
        assert async_to_sync(identify)(f"sessionid={session_key}").user_id == str(user.pk)
    assert list(Session.objects.values()) == before
