"""POST /api/topics/<topic>/events: who may, what is taken, and what each refusal says."""

import json
import threading

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from apps.api.bodies import MAX_BODY_BYTES
from apps.api.problems import PROBLEMS
from apps.events import log
from apps.events.cursor import START

# Published in threads of the log's own, which see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "c" * 32
# What a publish asks the database for.
WHERE = {
    "append": "apps.events.log.append_many",
    "session": "django.contrib.sessions.backends.db.SessionStore.load",
}


def signed_in(*, is_staff: bool = True, is_active: bool = True) -> Client:
    """Return a browser that is signed in and, like a browser, has its CSRF token checked."""
    user = User.objects.create_user("ada", is_staff=is_staff)
    client = Client(enforce_csrf_checks=True, headers={"X-CSRFToken": TOKEN})
    client.force_login(user)
    client.cookies["csrftoken"] = TOKEN
    User.objects.filter(pk=user.pk).update(is_active=is_active)
    return client


@pytest.fixture
def staff() -> Client:
    return signed_in()


def publish(client: Client, body, topic: str = "lab.first", content_type: str = "application/json", **options):
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    # CONTENT_TYPE again: the test client leaves it out where the body is empty.
    return client.post(
        f"/api/topics/{topic}/events", data, content_type=content_type, CONTENT_TYPE=content_type, **options
    )


def problem_of(response) -> dict[str, str]:
    """Return the problem, having checked that it is one as RFC 9457 and the table have it."""
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    told = response.json()
    assert set(told) - {"pointer"} == {"type", "title", "status", "detail", "code", "hint"}
    assert all(told[member] for member in told if member != "pointer")
    assert told["type"] == f"/api/problems/#{told['code']}"
    assert told["status"] == response.status_code == PROBLEMS[told["code"]].status
    assert told["title"] == PROBLEMS[told["code"]].title
    return told


def logged(topic: str = "lab.first"):
    return log.read([topic], START).events


def test_a_published_event_is_answered_as_every_door_will_send_it(staff):
    response = publish(staff, {"type": "deploy.finished", "data": {"build": 7, "by": "Zoë"}})

    assert response.status_code == 201
    (event,) = logged()
    assert response.content == event.json
    assert response.json()["data"] == {"build": 7, "by": "Zoë"}
    assert (event.topic, event.seq, event.type) == ("lab.first", 1, "deploy.finished")


def test_an_event_with_a_known_key_is_answered_with_the_first_one(staff):
    first = publish(staff, {"type": "deploy.finished", "data": {"build": 7}, "key": "build-7"})
    again = publish(staff, {"type": "deploy.finished", "data": {"build": 8}, "key": "build-7"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert len(logged()) == 1


@pytest.mark.parametrize("data", [{}, [], 0, False, "", 1.5, "text", {"nested": [1, {"deep": None}]}])
def test_any_json_value_but_null_is_taken_as_data(staff, data):
    assert publish(staff, {"type": "x", "data": data}).status_code == 201
    assert logged()[0].data == data


def test_a_json_body_may_name_its_charset(staff):
    body = json.dumps({"type": "x", "data": "漢字"}, ensure_ascii=False).encode()
    assert publish(staff, body, content_type="application/json; charset=utf-8").status_code == 201
    assert logged()[0].data == "漢字"


@pytest.mark.parametrize("topic", ["notifications", "chat.lobby", "lab.a", "user.7"])
def test_staff_publishes_to_every_family_of_topics(staff, topic):
    assert publish(staff, {"type": "x", "data": {}}, topic=topic).status_code == 201
    assert len(logged(topic)) == 1


def test_nobody_signed_in_is_refused():
    client = Client(enforce_csrf_checks=True, headers={"X-CSRFToken": TOKEN})
    client.cookies["csrftoken"] = TOKEN

    response = publish(client, {"type": "x", "data": {}})

    assert response.status_code == 403
    assert problem_of(response)["code"] == "not_signed_in"
    assert logged() == ()


def test_a_reader_who_is_not_staff_is_refused():
    response = publish(signed_in(is_staff=False), {"type": "x", "data": {}})

    assert response.status_code == 403
    assert problem_of(response)["code"] == "forbidden"
    assert logged() == ()


def test_a_deactivated_member_of_staff_is_refused():
    response = publish(signed_in(is_active=False), {"type": "x", "data": {}})

    assert response.status_code == 403
    assert problem_of(response)["code"] == "not_signed_in"


@pytest.mark.parametrize("token", [None, "", "d" * 32, "short"])
def test_a_post_without_the_csrf_token_is_refused_as_a_problem(staff, token):
    staff.defaults = {} if token is None else {"HTTP_X_CSRFTOKEN": token}

    response = publish(staff, {"type": "x", "data": {}})

    assert response.status_code == 403
    assert problem_of(response)["code"] == "csrf_failed"
    assert logged() == ()


def test_a_post_from_another_site_is_refused(staff):
    response = publish(staff, {"type": "x", "data": {}}, headers={"Origin": "https://evil.example"})

    assert response.status_code == 403
    assert problem_of(response)["code"] == "csrf_failed"


def test_a_form_without_the_csrf_token_still_gets_a_page():
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "ada"})

    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "topic", ["nonsense", "Notifications", "chat", "user.x", "a b", "%00", "n" * 200, "notifications%0A"]
)
def test_an_unknown_or_malformed_topic_is_not_found(staff, topic):
    response = publish(staff, {"type": "x", "data": {}}, topic=topic)

    assert response.status_code == 404
    assert problem_of(response)["code"] == "no_such_topic"


@pytest.mark.parametrize("method", ["head", "put", "patch", "delete", "options"])
def test_another_method_is_told_which_one_is_served(staff, method):
    response = getattr(staff, method)("/api/topics/lab.first/events")

    assert response.status_code == 405
    assert response["Allow"] == "GET, POST"
    if method != "head":
        assert problem_of(response)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_another_content_type_is_refused(staff, content_type):
    response = publish(staff, '{"type": "x", "data": {}}', content_type=content_type)

    assert response.status_code == 415
    assert problem_of(response)["code"] == "not_json"
    assert logged() == ()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"type": "x", "data": {}} and more',
        b"\xff\xfe",
        b'\xef\xbb\xbf{"type": "x", "data": {}}',
        b'{"type": "x", "data": NaN}',
        b'{"type": "x", "data": -Infinity}',
        b'{"type": "x", "data": 1e999}',
        b'{"type": "x", "data": %s}' % (b"9" * 5_000),
        b'{"type": "x", "data": %s}' % (b"[" * 60_000 + b"]" * 60_000),
        b'{"type": "x", "data": 1, "data": 2}',
        b'{"type": "x", "data": {"a": 1, "a": 2}}',
        b"{'type': 'x'}",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_json_is_refused(staff, body):
    response = publish(staff, body)

    assert response.status_code == 400
    assert problem_of(response)["code"] == "bad_json"
    assert logged() == ()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""),
        ([], ""),
        ('"text"', ""),
        (7, ""),
        (None, ""),
        ({"type": "x", "data": {}, "subject": "notification:1"}, "/subject"),
        ({"type": "x", "data": {}, "Key": "k"}, "/Key"),
        ({"type": "x", "data": {}, "a/~b": "k"}, "/a~1~0b"),
        ({"type": "x", "data": {}, "\ud800": "k"}, ""),
        ({}, "/type"),
        ({"data": {}}, "/type"),
        ({"type": "", "data": {}}, "/type"),
        ({"type": 7, "data": {}}, "/type"),
        ({"type": "X", "data": {}}, "/type"),
        ({"type": "a b", "data": {}}, "/type"),
        ({"type": "x\n", "data": {}}, "/type"),
        ({"type": "x" * 65, "data": {}}, "/type"),
        ({"type": "\ud800", "data": {}}, "/type"),
        ({"type": "x"}, "/data"),
        ({"type": "x", "data": None}, "/data"),
        ({"type": "x", "data": {}, "key": 7}, "/key"),
        ({"type": "x", "data": {}, "key": ""}, "/key"),
        ({"type": "x", "data": {}, "key": "k" * 201}, "/key"),
        ({"type": "x", "data": {}, "key": "a\u001bb"}, "/key"),
        ({"type": "x", "data": "\ud800"}, None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_body_that_is_no_event_is_refused_and_told_where(staff, body, pointer):
    response = publish(staff, body)

    assert response.status_code == 400
    problem = problem_of(response)
    assert problem["code"] == "bad_body"
    assert problem.get("pointer") == pointer
    assert logged() == ()


def test_a_fault_says_what_arrived_and_what_was_expected(staff):
    assert problem_of(publish(staff, {"type": "Deploy!", "data": {}}))["detail"] == (
        "'/type' is 'Deploy!'; expected 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter"
    )
    assert problem_of(publish(staff, []))["detail"] == "the body is a list; expected an object with type, data, key"
    misspelt = problem_of(publish(staff, {"type": "x", "data": {}, "Key": "k"}))
    assert misspelt["detail"] == "the body has the member '/Key', which means nothing here"
    assert misspelt["hint"] == "leave it out; known: type, data, key"


def test_an_event_of_more_than_16_kib_is_too_large(staff):
    response = publish(staff, {"type": "x", "data": "a" * log.MAX_DATA_BYTES})

    assert response.status_code == 413
    assert str(log.MAX_DATA_BYTES) in problem_of(response)["detail"]
    assert logged() == ()


def test_the_largest_event_is_taken_however_its_characters_are_written(staff):
    text = "漢" * ((log.MAX_DATA_BYTES - 2) // 3)

    assert publish(staff, json.dumps({"type": "x", "data": text}, ensure_ascii=True)).status_code == 201
    assert logged()[0].data == text


def test_a_body_of_more_than_a_mebibyte_is_too_large(staff):
    response = publish(staff, b'{"type": "x", "data": "%s"}' % (b"a" * MAX_BODY_BYTES))

    assert response.status_code == 413
    assert str(MAX_BODY_BYTES) in problem_of(response)["detail"]
    assert logged() == ()


@pytest.mark.parametrize(
    ("topic", "type"),
    [
        ("notifications", "notification.posted"),
        ("notifications", "notification.recalled"),
        ("user.7", "notification.posted"),
        ("group.editors", "notification.edited"),
        ("chat.lobby", "chat.line"),
    ],
)
def test_what_a_room_writes_with_its_own_rows_is_not_published_past_it(staff, topic, type):
    response = publish(staff, {"type": type, "data": {"id": 1, "link": "javascript:alert(1)"}}, topic=topic)

    assert response.status_code == 403
    assert problem_of(response)["code"] == "reserved_type"
    assert logged(topic) == ()


def test_the_same_type_is_free_in_another_topic(staff):
    assert publish(staff, {"type": "notification.posted", "data": {}}, topic="lab.first").status_code == 201


def test_a_key_is_its_publishers_own_and_tells_nobody_what_another_published_with_it(staff):
    log.append("lab.first", "order.shipped", {"secret": 1}, key="order-17")

    mine = publish(staff, {"type": "x", "data": {"mine": 1}, "key": "order-17"})
    again = publish(staff, {"type": "x", "data": {"mine": 2}, "key": "order-17"})

    assert (mine.status_code, mine.json()["data"]) == (201, {"mine": 1})
    assert (again.status_code, again.json()["seq"]) == (200, mine.json()["seq"])
    assert log.append("lab.first", "order.shipped", {"secret": 1}, key="order-17").repeated


@pytest.mark.parametrize("where", ["append", "session"])
def test_a_database_that_is_away_is_a_503_with_retry_after(staff, monkeypatch, where):
    def fail(*args, **options):
        raise OperationalError("the database went away")

    monkeypatch.setattr(WHERE[where], fail)

    response = publish(staff, {"type": "x", "data": {}})

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert problem_of(response)["code"] == "log_unavailable"
    assert "went away" not in response.content.decode()


@pytest.mark.parametrize("where", ["append", "session"])
def test_a_database_that_hangs_is_a_503_with_retry_after_too(staff, monkeypatch, settings, where):
    let_go = threading.Event()
    monkeypatch.setattr(WHERE[where], lambda *args, **options: let_go.wait())
    settings.PUBLISH_TIMEOUT_S = 0.05
    try:
        response = publish(staff, {"type": "x", "data": {}})
    finally:
        let_go.set()

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "unknown" in problem_of(response)["detail"]
