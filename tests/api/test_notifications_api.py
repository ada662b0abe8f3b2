"""/api/notifications: post, edit and recall, for those who may, and to those who are meant."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from apps.audit.models import Entry
from apps.events import log
from apps.events.cursor import START
from apps.notifications.models import Notification
from tests.api.issuing import issue

# Written in threads of the log's own, which see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key(ada) -> str:
    return issue(ada, "*", name="desk")


def ask(key: str, method: str, address: str = "/api/notifications", body=None):
    ask_with = getattr(Client(enforce_csrf_checks=True), method)
    return ask_with(address, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"})


def post(bearer: str, **body):
    return ask(bearer, "post", body={"title": "Maintenance tonight", **body})


def told(topic: str) -> list[tuple[str, str | None]]:
    return [(event.type, event.data and event.data.get("title")) for event in log.read([topic], START).events]


def test_a_notification_is_posted_edited_and_recalled(key, ada):
    posted = post(key, level="warning", link="/guide/")
    number = posted.json()["id"]
    edited = ask(key, "patch", f"/api/notifications/{number}", {"title": "Maintenance tomorrow"})

    assert posted.status_code == 201
    assert (posted.json()["level"], posted.json()["audience"], posted.json()["posted_by"]) == (
        "warning",
        "everyone",
        "ada",
    )
    assert edited.status_code == 200
    assert edited.json() == {**posted.json(), "title": "Maintenance tomorrow"}

    recalled = ask(key, "delete", f"/api/notifications/{number}")

    assert (recalled.status_code, recalled.content) == (204, b"")
    assert told("notifications") == [
        ("notification.posted", None),
        ("notification.edited", None),
        ("notification.recalled", None),
    ]
    for method, body in (("patch", {"title": "x"}), ("delete", None)):
        gone = ask(key, method, f"/api/notifications/{number}", body)
        assert (gone.status_code, gone.json()["code"]) == (404, "no_such_notification")


def test_a_known_key_posts_nothing_and_says_what_was_posted(key):
    first = post(key, key="tonight")
    again = post(key, key="tonight", title="Something else")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    ask(key, "delete", f"/api/notifications/{first.json()['id']}")
    after = post(key, key="tonight")
    assert (after.status_code, after.json()["code"]) == (409, "recalled")
    assert Notification.objects.count() == 0


def test_a_key_of_an_event_is_none_of_a_notifications(key):
    body = {"type": "demo.x", "data": 1, "key": "tonight"}
    assert ask(key, "post", "/api/topics/notifications/events", body).status_code == 201
    assert post(key, key="tonight").status_code == 201


def test_a_notification_reaches_groups_and_chosen_people_only(key):
    ben = User.objects.create_user("ben")
    Group.objects.create(name="editors")

    assert post(key, title="To a group", audience={"groups": ["editors"]}).status_code == 201
    to_ben = post(key, title="To ben", audience={"people": ["ben"]}).json()

    assert told("group.editors") == [("notification.posted", "To a group")]
    assert told(f"user.{ben.pk}") == [("notification.posted", "To ben")]
    assert told("notifications") == []
    moved = ask(key, "patch", f"/api/notifications/{to_ben['id']}", {"audience": "everyone"})
    assert moved.json()["audience"] == "everyone"
    assert told("notifications") == [("notification.posted", "To ben")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": "two\nlines"}, "/title"),
        ({"title": "x", "level": "loud"}, "/level"),
        ({"title": "x", "link": "javascript:alert(1)"}, "/link"),
        ({"title": "x", "message": "\u0000"}, "/message"),
        ({"title": "x", "audience": {}}, "/audience"),
        ({"title": "x", "audience": {"groups": ["nobody"]}}, "/audience/groups/0"),
        ({"title": "x", "audience": {"people": ["ada", "nobody"]}}, "/audience/people/1"),
        ({"title": "x", "audience": {"groups": ["a"], "people": ["b"]}}, "/audience"),
        ({"title": "x", "posted_by": "eve"}, "/posted_by"),
    ],
    ids=str,
)
def test_what_is_no_notification_is_refused_and_told_where(key, body, pointer):
    answer = ask(key, "post", body=body)

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["pointer"]) == (400, "bad_body", pointer)
    assert Notification.objects.count() == 0


def test_it_takes_the_permissions_that_the_admin_takes():
    carol = User.objects.create_user("carol", is_staff=True)
    key = issue(carol, "*")

    def allow(codename: str) -> None:
        carol.user_permissions.add(Permission.objects.get(codename=codename))

    assert post(key).json()["code"] == "forbidden"
    allow("add_notification")
    posted = post(key)
    assert posted.status_code == 201
    address = f"/api/notifications/{posted.json()['id']}"
    assert "auth.view_user" in post(key, audience={"people": ["carol"]}).json()["detail"]
    assert "change_notification" in ask(key, "patch", address, {"title": "x"}).json()["detail"]
    assert "delete_notification" in ask(key, "delete", address).json()["detail"]
    allow("change_notification")
    allow("delete_notification")
    assert ask(key, "patch", address, {"title": "x"}).status_code == 200
    assert ask(key, "delete", address).status_code == 204


def test_a_key_reaches_the_audiences_whose_topics_it_names(ada):
    Group.objects.create(name="editors")
    key = issue(ada, "group.editors")

    assert "over which this audience is reached" in post(key).json()["detail"]
    posted = post(key, audience={"groups": ["editors"]})
    assert posted.status_code == 201
    widened = ask(key, "patch", f"/api/notifications/{posted.json()['id']}", {"audience": "everyone"})
    assert widened.status_code == 403
    for_all = Notification.objects.create(title="For all")
    assert ask(key, "patch", f"/api/notifications/{for_all.pk}", {"title": "mine"}).status_code == 403
    assert ask(key, "delete", f"/api/notifications/{for_all.pk}").status_code == 403


def test_every_write_is_in_the_audit_trail_with_the_key(key):
    address = f"/api/notifications/{post(key).json()['id']}"
    ask(key, "patch", address, {"title": "x"})
    ask(key, "patch", address, {"title": "x"})
    ask(key, "delete", address)

    told = Entry.objects.filter(action__startswith="notification.").order_by("pk")
    assert [entry.action for entry in told] == [f"notification.{did}" for did in ("posted", "edited", "recalled")]
    assert {(entry.name, entry.via, entry.key.split(" ")[0]) for entry in told} == {("ada", "api", "desk")}
