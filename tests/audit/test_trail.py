"""Who did what: written with it, never changed, found again."""

import hashlib
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.access import tokens
from apps.access.identity import Right
from apps.api.models import ApiKey
from apps.audit import trail
from apps.audit.models import Action, Entry
from apps.notifications import publishing
from apps.notifications.models import Notification
from tests.demos.markup import Markup

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/notifications/notification/add/"
FROM = {"REMOTE_ADDR": "192.0.2.1"}


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password="correct horse")


@pytest.fixture
def desk(client: Client, ada: User) -> Client:
    """Return a browser in which Ada is at work in the admin, and a trail that begins after she came."""
    client.force_login(ada)
    Entry.objects.all()._raw_delete("default")
    return client


def told() -> list[tuple[str, str, str, str | None, str]]:
    """Return what was written down, oldest first: action, who, via, address, subject."""
    return [(e.action, e.name, e.via, e.address, e.subject) for e in Entry.objects.order_by("pk")]


def test_posting_editing_and_recalling_in_the_admin_are_written_down(desk: Client, ada: User) -> None:
    fields = {"title": "Early on Friday", "level": "info", "audience": "everyone"}
    desk.post(ADD, fields | {"submission": "once"}, **FROM)
    pk = Notification.objects.get().pk
    change = f"/admin/notifications/notification/{pk}/"
    desk.post(change + "change/", fields | {"title": "Late on Friday"}, **FROM)
    desk.post(change + "change/", fields | {"title": "Late on Friday"}, **FROM)  # nothing was changed
    desk.post(change + "delete/", {"post": "yes"}, **FROM)
    who = ("ada", "admin", "192.0.2.1", f"notification:{pk}")
    assert told() == [(f"notification.{done}", *who) for done in ("posted", "edited", "recalled")]
    newest = Entry.objects.first()
    assert newest is not None
    assert newest.user_id == str(ada.pk)
    assert newest.detail == "“Late on Friday” → notifications"


def test_a_notification_that_was_rolled_back_is_not_in_the_trail() -> None:
    with transaction.atomic():
        publishing.post(Notification(title="Never"))
        transaction.set_rollback(True)
    assert told() == []


def test_a_notification_is_not_posted_where_the_trail_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(trail, "record", fail)
    with pytest.raises(OSError):  # noqa: PT011  (there is no message)
        publishing.post(Notification(title="Unwatched"))
    assert not Notification.objects.exists()


def test_a_post_that_repeats_itself_is_written_down_once() -> None:
    for _ in range(2):
        publishing.post(Notification(title="Once"), key="once")
    assert [action for action, *_ in told()] == ["notification.posted"]


def test_commands_and_code_are_told_from_people(ada: User) -> None:
    call_command("post_notification", "From a shell")
    publishing.post(Notification(title="From code"))
    call_command("create_api_key", "deploys", "--owner", "ada", "--topics", "lab.*")
    call_command("create_token", "ada", "--topics", "lab.*", stdout=StringIO())
    assert [(action, name, via) for action, name, via, *_ in told()] == [
        ("notification.posted", "post_notification", "command"),
        ("notification.posted", "", "code"),
        ("api_key.made", "create_api_key", "command"),
        ("token.made", "create_token", "command"),
    ]


def test_the_life_of_a_key_is_written_down(desk: Client) -> None:
    desk.post("/admin/api/apikey/add/", {"name": "deploys", "topics": "lab.*"}, **FROM)
    key = ApiKey.objects.get()
    desk.post(f"/admin/api/apikey/{key.pk}/change/", {"name": "deploys", "topics": "lab.deploys"}, **FROM)
    desk.post("/admin/api/apikey/", {"action": "revoke", "_selected_action": key.pk}, **FROM)
    User.objects.filter(username="ada").get().delete()  # and with her what she owns
    who = ("ada", "admin", "192.0.2.1", f"api_key:{key.prefix}")
    assert told()[:3] == [(f"api_key.{did}", *who) for did in ("made", "changed", "revoked")]
    assert told()[3] == ("api_key.deleted", "", "code", None, f"api_key:{key.prefix}")
    assert not Entry.objects.filter(detail__contains="rt_").exists()  # nothing of the key itself


@pytest.mark.parametrize("with_key", [False, True])
def test_a_token_that_was_handed_out_is_written_down_with_its_fingerprint(
    desk: Client, ada: User, with_key: bool
) -> None:
    made = ApiKey(name="deploys", topics="lab.*", owner=ada).issue()
    browser = Client(headers={"Authorization": f"Bearer {made.text}"}) if with_key else desk
    asked = {"topics": ["lab.deploys"], "rights": ["publish"], "expires_in": 60}
    token = browser.post("/api/tokens", asked, content_type="application/json", **FROM).json()["token"]
    entry = Entry.objects.get(action=Action.TOKEN_MADE)
    assert (entry.name, entry.user_id, entry.via, entry.address) == ("ada", str(ada.pk), "api", "192.0.2.1")
    assert entry.key == (f"deploys (rt_{made.api_key.prefix})" if with_key else "")
    assert entry.subject == f"token:{hashlib.sha256(token.encode()).hexdigest()[:16]}"
    assert entry.detail == "ada: publish → lab.deploys, 60 s"


def test_no_token_is_handed_out_that_could_not_be_written_down(
    desk: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(trail, "record", fail)
    answer = desk.post("/api/tokens", {"topics": ["lab.a"], "rights": ["read"]}, content_type="application/json")
    assert answer.status_code == 500
    said = StringIO()
    with pytest.raises(OSError):  # noqa: PT011  (there is no message)
        call_command("create_token", "ada", "--topics", "lab.a", stdout=said)
    assert said.getvalue() == ""


@pytest.mark.parametrize("with_what", ["session", "key", "token of the key"])
def test_what_is_published_through_the_api_is_written_down_with_its_key(
    desk: Client, ada: User, with_what: str
) -> None:
    made = ApiKey(name="deploys", topics="lab.*", owner=ada).issue()
    event = {"type": "deploy.finished", "data": {}, "key": "build-7"}
    with_key = with_what != "session"
    text = made.text
    if with_what == "token of the key":
        text = tokens.issue(ada, "lab.*", [Right.PUBLISH], key_prefix=made.api_key.prefix).text
    credential = {"Authorization": f"Bearer {text}"} if with_key else {}
    browser = Client() if with_key else desk
    for status in (201, 200):  # the second time it is there already
        answer = browser.post(
            "/api/topics/lab.deploys/events", event, content_type="application/json", headers=credential, **FROM
        )
        assert answer.status_code == status
    (entry,) = Entry.objects.filter(action=Action.EVENT_PUBLISHED)
    assert (entry.name, entry.user_id, entry.via, entry.address) == ("ada", str(ada.pk), "api", "192.0.2.1")
    assert entry.key == (f"deploys (rt_{made.api_key.prefix})" if with_key else "")
    assert (entry.subject, entry.detail) == ("lab.deploys", "deploy.finished (seq 1)")
    made.api_key.refresh_from_db()
    assert (made.api_key.last_used_at is not None) == with_key


def test_coming_going_and_being_kept_out_are_written_down(client: Client, ada: User) -> None:
    for _ in range(9):
        client.post("/account/sign-in/", {"username": "eve", "password": "?"}, **FROM)
    client.post("/account/sign-in/", {"username": "ada", "password": "correct horse"}, **FROM)
    passwords = {"old_password": "correct horse", "new_password1": "staple battery", "new_password2": "staple battery"}
    client.post("/account/password/", passwords, **FROM)
    client.post("/account/sign-out/", **FROM)
    assert told() == [
        ("account.locked_out", "", "page", "192.0.2.1", "eve"),  # once, however often she goes on
        ("account.signed_in", "ada", "page", "192.0.2.1", ""),
        ("account.password_changed", "ada", "page", "192.0.2.1", ""),
        ("account.signed_out", "ada", "page", "192.0.2.1", ""),
    ]


def test_passwords_that_are_changed_in_the_admin_are_written_down(desk: Client, ada: User) -> None:
    eve = User.objects.create_user("eve", password="x")
    passwords = {"old_password": "correct horse", "new_password1": "staple battery", "new_password2": "staple battery"}
    desk.post("/admin/password_change/", passwords | {"old_password": "wrong"}, **FROM)
    desk.post("/admin/password_change/", passwords, **FROM)
    new = {"usable_password": "true", "password1": "battery horse", "password2": "battery horse"}
    desk.post(f"/admin/auth/user/{eve.pk}/password/", new | {"password2": "another"}, **FROM)
    desk.post(f"/admin/auth/user/{eve.pk}/password/", new, **FROM)
    assert told() == [
        ("account.password_changed", "ada", "admin", "192.0.2.1", ""),
        ("account.password_changed", "ada", "admin", "192.0.2.1", f"user:{eve.pk}"),
    ]
    eve.refresh_from_db()
    assert eve.check_password("battery horse")


def test_an_entry_is_never_changed_or_taken_away_but_by_age() -> None:
    entry = trail.record(Action.SIGNED_IN)
    entry.name = "somebody else"
    for attempt in (
        entry.save,
        entry.delete,
        Entry.objects.all().delete,
        lambda: Entry.objects.update(name="somebody else"),
        lambda: Entry.objects.bulk_update([entry], ["name"]),
    ):
        with pytest.raises(TypeError, match=r"written once|with age alone"):
            attempt()
    assert told() == [("account.signed_in", "", "code", None, "")]


def test_old_entries_go_with_every_hundredth_new_one(settings) -> None:
    old = Entry(action=Action.SIGNED_IN, via="code", at=timezone.now() - timedelta(days=settings.AUDIT_KEEP_DAYS + 1))
    old.save()
    while trail.record(Action.SIGNED_OUT).pk % 100 != 0:
        pass
    assert not Entry.objects.filter(pk=old.pk).exists()
    assert Entry.objects.exists()


def test_old_entries_go_by_command_too(settings, capsys: pytest.CaptureFixture[str]) -> None:
    Entry(action=Action.SIGNED_IN, via="code", at=timezone.now() - timedelta(days=settings.AUDIT_KEEP_DAYS + 1)).save()
    trail.record(Action.SIGNED_OUT)
    call_command("prune_audit")
    assert "Deleted: 1 audit entries" in capsys.readouterr().out
    assert [action for action, *_ in told()] == ["account.signed_out"]


def test_a_long_detail_or_subject_is_cut_and_an_odd_one_kept() -> None:
    assert len(trail.record(Action.NOTIFICATION_POSTED, subject="x" * 9_000).subject) == 120
    assert len(trail.record(Action.NOTIFICATION_POSTED, detail="x" * 9_000).detail) == 500
    assert trail.record(Action.NOTIFICATION_POSTED, detail="a\0b").detail == "ab"


def test_the_admin_searches_the_trail_and_changes_nothing(desk: Client) -> None:
    desk.post(ADD, {"title": "Early", "level": "info", "audience": "everyone", "submission": "once"}, **FROM)
    publishing.post(Notification(title="Late"))
    entry = Entry.objects.get(name="ada")
    found = Markup(desk.get("/admin/audit/entry/", {"q": "192.0.2.1"}).content.decode()).text
    assert "“Early” → notifications" in found
    assert "“Late”" not in found
    assert desk.get(f"/admin/audit/entry/{entry.pk}/change/").status_code == 200  # to look at
    assert desk.post(f"/admin/audit/entry/{entry.pk}/change/", {"name": "eve"}).status_code == 403
    assert desk.get("/admin/audit/entry/add/").status_code == 403
    assert desk.post(f"/admin/audit/entry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_see_the_trail_only_with_the_right_to(client: Client) -> None:
    client.force_login(User.objects.create_user("bob", password="x", is_staff=True))
    assert client.get("/admin/audit/entry/").status_code == 403
