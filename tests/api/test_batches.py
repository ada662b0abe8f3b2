"""POST /api/topics/events: several events, all or none."""

import pytest
from django.test import Client

from apps.api.bodies import MAX_BATCH
from apps.audit.models import Action, Entry
from apps.events import log
from apps.events.cursor import START

# Published in threads of the log's own, which see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


def publish(key: str, events):
    return Client(enforce_csrf_checks=True).post(
        "/api/topics/events",
        {"events": events},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )


def event(topic: str = "lab.first", **members):
    return {"topic": topic, "type": "deploy.finished", "data": {}, **members}


def logged(*topics: str):
    return log.read(topics, START).events


def test_a_batch_is_answered_with_its_events_in_its_order(key):
    answer = publish(key, [event("lab.b", data=1), event("lab.a", data=2), event("lab.b", data=3)])

    assert answer.status_code == 201
    assert [(one["topic"], one["seq"], one["data"]) for one in answer.json()["events"]] == [
        ("lab.b", 1, 1),
        ("lab.a", 1, 2),
        ("lab.b", 2, 3),
    ]
    assert answer.json()["repeated"] == []


def test_a_batch_that_is_sent_again_is_there_once(key):
    events = [event("lab.a", key="a"), event("lab.b", key="b")]
    first = publish(key, events)

    again = publish(key, events)

    assert again.status_code == 200
    assert again.json() == {"events": first.json()["events"], "repeated": [0, 1]}
    more = publish(key, [*events, event("lab.b", key="c")])
    assert (more.status_code, more.json()["repeated"]) == (201, [0, 1])
    assert len(logged("lab.a", "lab.b")) == 3


@pytest.mark.parametrize(
    ("wrong", "status", "code", "pointer"),
    [
        (event("lab.a", type="X"), 400, "bad_body", "/events/1/type"),
        (event("lab.a", data=None), 400, "bad_body", "/events/1/data"),
        (event("lab.a", Key="k"), 400, "bad_body", "/events/1/Key"),
        ({"type": "x", "data": {}}, 400, "bad_body", "/events/1/topic"),
        (7, 400, "bad_body", "/events/1"),
        (event("lab.a", data="a" * log.MAX_DATA_BYTES), 413, "too_large", None),
        (event("staff.salaries"), 403, "forbidden", "/events/1"),
        (event("nonsense"), 404, "no_such_topic", "/events/1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_wrong_event_keeps_all_of_them_out(key, wrong, status, code, pointer):
    answer = publish(key, [event("lab.a"), wrong])

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("pointer")) == (status, code, pointer)
    assert logged("lab.a") == ()


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_batch_has_its_limits(key, count):
    problem = publish(key, [event()] * count).json()

    assert problem["detail"].startswith(f"'/events' is a list of {count}; expected a list of 1 to {MAX_BATCH} events")


def test_as_many_as_fit_are_taken(key):
    assert publish(key, [event()] * MAX_BATCH).status_code == 201
    assert len(logged("lab.first")) == MAX_BATCH


def test_every_event_of_a_batch_is_in_the_audit_trail_once(key):
    for _ in range(2):
        publish(key, [event("lab.a", key="a"), event("lab.b", key="b")])

    told = [
        (entry.subject, entry.detail, entry.name, entry.via)
        for entry in Entry.objects.filter(action=Action.EVENT_PUBLISHED).order_by("pk")
    ]
    assert told == [
        ("lab.a", "deploy.finished (seq 1)", "ada", "api"),
        ("lab.b", "deploy.finished (seq 1)", "ada", "api"),
    ]


def test_what_can_t_be_written_down_is_not_published(key, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("the trail is full")

    monkeypatch.setattr("apps.audit.trail.record", fail)
    answer = publish(key, [event()])

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "trail" not in answer.content.decode()
    assert logged("lab.first") == ()
