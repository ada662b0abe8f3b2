"""How often the API may be asked: counted for a key, a user and an address, and told in headers."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.access import shared_buckets, tokens
from apps.access.identity import Right
from apps.access.rate import Rate
from apps.api.models import ApiKey

pytestmark = pytest.mark.django_db(transaction=True)
THREE = Rate(per_s=0.01, burst=3)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", is_staff=True)


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the counts from one request to the next: the test client gives each an event loop of its own."""
    buckets = shared_buckets.SharedBuckets("")
    # The timer belongs to the loop that is gone; without Redis there is nothing to tell.
    monkeypatch.setattr(buckets, "_timer", object())
    monkeypatch.setattr(shared_buckets, "current", lambda: buckets)


def publish(client: Client, count: int = 1) -> Any:
    event = {"type": "test.said", "data": 1}
    if count == 1:
        return client.post("/api/topics/lab.a/events", json.dumps(event), content_type="application/json")
    batch = {"events": [{"topic": "lab.a", **event}] * count}
    return client.post("/api/topics/events", json.dumps(batch), content_type="application/json")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_who_publishes_is_told_what_is_left_and_then_when_to_come_back(ada: User, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "publish": THREE}
    client = signed_in(ada)
    answers = [publish(client) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"publish";q=3;w=300'}
    assert [answer.headers["RateLimit"].partition(";t=")[0] for answer in answers] == [
        f'"publish";r={left}' for left in (2, 1, 0, 0)
    ]
    assert answers[-1].json()["code"] == "too_often"
    assert answers[-1].headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 100


def test_a_key_is_counted_apart_from_its_owner(ada: User, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "publish": THREE}
    keys = [ApiKey(name=name, owner=ada, topics="lab.*").issue().text for name in ("one", "other")]
    clients = [signed_in(ada), *[Client(headers={"Authorization": f"Bearer {text}"}) for text in keys]]
    for client in clients:
        assert [publish(client).status_code for _ in range(4)] == [201, 201, 201, 429]


def test_a_keys_token_is_counted_with_the_key_and_not_with_its_owner(ada: User, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "publish": THREE}
    key = ApiKey(name="one", owner=ada, topics="lab.*").issue()
    token = tokens.issue(ada, "lab.*", [Right.PUBLISH], key_prefix=key.api_key.prefix).text
    with_key, with_token = (Client(headers={"Authorization": f"Bearer {text}"}) for text in (key.text, token))
    assert [publish(client).status_code for client in (with_key, with_token) * 2] == [201, 201, 201, 429]
    own = Client(headers={"Authorization": f"Bearer {tokens.issue(ada, 'lab.*', [Right.PUBLISH]).text}"})
    assert publish(own).status_code == publish(signed_in(ada)).status_code == 201


def test_a_batch_counts_as_many_as_it_has_events(ada: User, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "publish": THREE}
    client = signed_in(ada)
    assert [publish(client, 3).status_code for _ in range(2)] == [201, 429]


def test_an_address_is_counted_whoever_it_says_it_is(settings: Any) -> None:
    settings.RATES = {**settings.RATES, "api_address": THREE}
    answers = [Client(headers={"Authorization": f"Bearer rt_{number}"}) for number in range(4)]
    assert [publish(client).status_code for client in answers] == [401, 401, 401, 429]


def test_without_limits_no_header_speaks_of_them(ada: User) -> None:
    answer = publish(signed_in(ada))
    assert (answer.status_code, "RateLimit" in answer.headers) == (201, False)
