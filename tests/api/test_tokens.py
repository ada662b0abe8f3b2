"""`POST /api/tokens` and `manage.py create_token`: who gets what token, and what becomes of it."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.access import tokens
from apps.access.identity import Right
from apps.api.models import ApiKey, IssuedKey

# Published in threads of the log's own, which see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    ada = User.objects.create_user("ada", password="first", is_staff=True)
    ada.groups.add(Group.objects.create(name="editors"))
    return ada


@pytest.fixture
def key(ada: User) -> IssuedKey:
    return ApiKey(name="robot", owner=ada, topics="lab.* staff.deploys").issue()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def bearing(text: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {text}"})


def ask(client: Client, topics: list[str], rights: list[str], **more: Any) -> Any:
    body = {"topics": topics, "rights": rights, **more}
    return client.post("/api/tokens", json.dumps(body), content_type="application/json")


def publish(client: Client, topic: str, **more: Any) -> Any:
    body = {"type": "test.said", "data": 1, **more}
    return client.post(f"/api/topics/{topic}/events", json.dumps(body), content_type="application/json")


def test_who_is_signed_in_gets_a_token_that_reads_what_they_may(ada: User) -> None:
    answer = ask(signed_in(ada), ["group.editors", "lab.*"], ["read", "history"], expires_in=60)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    identity = tokens.identity_of_token(answer.json()["token"])
    assert (identity.username, identity.expires_at) == ("ada", answer.json()["expires_at"])
    assert identity.reaches(Right.READ, "group.editors")
    assert not identity.reaches(Right.PUBLISH, "lab.a")


@pytest.mark.parametrize(
    ("topics", "rights", "words"),
    [
        (["group.night"], ["read"], "not the right to read 'group.night'"),
        (["lab.a", "nowhere"], ["history"], "not the right to history 'nowhere'"),
    ],
)
def test_what_a_token_could_never_do_is_refused_at_once(
    ada: User, topics: list[str], rights: list[str], words: str
) -> None:
    answer = ask(signed_in(ada), topics, rights)
    assert (answer.status_code, words in answer.json()["detail"]) == (403, True), answer.json()


def test_nobody_gets_no_token() -> None:
    assert ask(Client(), ["lab.a"], ["read"]).json()["code"] == "not_signed_in"


def test_a_session_needs_a_csrf_token(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert ask(client, ["lab.a"], ["read"]).json()["code"] == "csrf_failed"


@pytest.mark.parametrize(
    "more", [{"expires_in": 3_601}, {"expires_in": 0}, {"topics": []}, {"rights": ["own"]}, {"x": 1}]
)
def test_what_does_not_fit_is_told(ada: User, more: dict[str, Any]) -> None:
    body = {"topics": ["lab.a"], "rights": ["read"]} | more
    answer = signed_in(ada).post("/api/tokens", json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")


def test_a_pattern_that_fits_no_topic_is_told(ada: User) -> None:
    answer = ask(signed_in(ada), ["LAB*"], ["read"])
    assert (answer.status_code, "fits no topic" in answer.json()["detail"]) == (400, True)


def test_a_token_publishes_without_a_cookie_where_it_reaches(ada: User) -> None:
    token = ask(signed_in(ada), ["lab.a"], ["publish"]).json()["token"]
    assert publish(bearing(token), "lab.a").status_code == 201
    assert publish(bearing(token), "lab.b").status_code == 403
    ada.set_password("second")
    ada.save()
    refused = publish(bearing(token), "lab.a")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")


def test_a_token_gets_no_further_token(ada: User) -> None:
    token = ask(signed_in(ada), ["lab.a"], ["publish"]).json()["token"]
    answer = ask(bearing(token), ["lab.a"], ["publish"])
    assert (answer.status_code, "can't ask for another" in answer.json()["detail"]) == (403, True)


def test_a_key_gets_tokens_that_publish_as_far_as_it_does_itself(key: IssuedKey) -> None:
    robot = bearing(key.text)
    assert ask(robot, ["lab.a"], ["read"]).status_code == 403
    assert ask(robot, ["*"], ["publish"]).status_code == 403
    token = ask(robot, ["lab.*"], ["publish"]).json()["token"]
    assert publish(bearing(token), "lab.a").status_code == 201


def test_a_keys_tokens_end_with_it_and_shrink_with_it(key: IssuedKey) -> None:
    token = ask(bearing(key.text), ["lab.*"], ["publish"]).json()["token"]
    ApiKey.objects.update(topics="lab.b")
    assert publish(bearing(token), "lab.a").status_code == 403
    assert publish(bearing(token), "lab.b").status_code == 201
    ApiKey.objects.update(revoked_at=timezone.now())
    refused = publish(bearing(token), "lab.b")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    assert "API key was revoked" in refused.json()["detail"]


def test_a_token_or_a_key_in_the_address_is_refused(ada: User, key: IssuedKey) -> None:
    token = tokens.issue(ada, "lab.a", [Right.HISTORY, Right.READ]).text
    for query in (f"access_token={token}", f"x={token}", f"x={key.text}"):
        answer = Client().get(f"/api/topics/lab.a/events?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "token_in_address"), query


def test_the_command_prints_a_token_and_nothing_else(ada: User) -> None:
    said = StringIO()
    call_command("create_token", "ada", "--topics", "lab.*", "user.1", "--life", "60", stdout=said)
    identity = tokens.identity_of_token(said.getvalue().strip())
    assert identity.token_topics == "lab.* user.1"
    assert identity.token_rights == {Right.READ, Right.HISTORY}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody", "--topics", "lab.*"], "there is no user 'nobody'"),
        (["ada", "--topics", "LAB"], "fits no topic"),
        (["ada", "--topics", "lab.*", "--life", "99999"], "expected 1 to 3600"),
    ],
)
def test_the_command_says_what_is_wrong(ada: User, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("create_token", *words)
