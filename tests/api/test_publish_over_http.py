"""The publish API as a client meets it: through daphne, on the wire."""

import re

import httpx
import pytest

from apps.api.bodies import MAX_BODY_BYTES


@pytest.fixture
def staff(live_site):
    with live_site.client(live_site.admin) as client:
        yield client


def test_a_published_event_is_what_a_poll_reads_next(staff):
    before = staff.get("/feed/poll", params={"topic": "lab.publish"}).json()["cursor"]

    answer = staff.post("/api/topics/lab.publish/events", json={"type": "deploy.finished", "data": {"build": 7}})

    assert answer.status_code == 201
    batch = staff.get("/feed/poll", params={"topic": "lab.publish", "after": before}).json()
    assert batch["events"] == [answer.json()]


def test_a_body_without_a_length_is_refused_once_it_is_too_large(staff):
    def body():
        yield b'{"type": "x", "data": "'
        for _ in range(MAX_BODY_BYTES // 1_000):
            yield b"a" * 1_000
        yield b'"}'

    headers = {"Content-Type": "application/json"}
    answer = staff.post("/api/topics/lab.publish/events", content=body(), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_without_the_csrf_header_nothing_is_published(live_site, staff):
    del staff.headers["X-CSRFToken"]

    answer = staff.post("/api/topics/lab.publish/events", json={"type": "x", "data": {}})

    assert answer.status_code == 403
    assert answer.json()["code"] == "csrf_failed"


def test_a_key_from_the_admin_publishes_but_reads_nothing(live_site, staff):
    form = {"name": "robot", "topics": "staff.*", "csrfmiddlewaretoken": staff.headers["X-CSRFToken"]}
    shown = staff.post("/admin/api/apikey/add/", data=form).text
    (key,) = re.findall(r"rt_\w{12}_[\w-]{43}", shown)

    with httpx.Client(base_url=live_site.url, headers={"Authorization": f"Bearer {key}"}) as robot:
        event = {"type": "deploy.finished", "data": {}}
        assert robot.post("/api/topics/staff.deploys/events", json=event).status_code == 201
        assert robot.post("/api/topics/lab.publish/events", json=event).status_code == 403
        assert robot.get("/feed/poll", params={"topic": "staff.deploys"}).status_code == 401


def test_while_the_database_is_away_a_publish_is_asked_to_come_back(site):
    running = site(database="postgresql")
    with running.client(running.admin) as staff:
        event = {"type": "deploy.finished", "data": {}, "key": "build-7"}
        running.postgresql.stop()

        answer = staff.post("/api/topics/lab.publish/events", json=event)

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        running.postgresql.start()
        assert staff.post("/api/topics/lab.publish/events", json=event).status_code in (200, 201)
