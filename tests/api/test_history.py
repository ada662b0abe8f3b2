"""GET /api/topics/<topic>/events: what was published, a batch at a time, for who may look back."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.access import tokens
from apps.access.identity import Right
from apps.api.models import ApiKey
from apps.events import log

# Read in threads of the log's own, which see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/api/topics/lab.first/events"


@pytest.fixture
def three() -> None:
    for number in (1, 2, 3):
        log.append("lab.first", "demo.said", number)


def seqs(answer) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [event["seq"] for event in answer.json()["events"]]


def test_a_public_topic_is_read_back_by_anybody_batch_by_batch(three):
    first = Client().get(ADDRESS, {"limit": 2})
    second = Client().get(ADDRESS, {"limit": 2, "after": first.json()["cursor"]})

    assert (seqs(first), first.json()["more"]) == ([1, 2], True)
    assert (seqs(second), second.json()["more"]) == ([3], False)
    assert set(first.json()) == {"events", "cursor", "reset", "more"}


def test_the_last_events_can_be_asked_for(three):
    assert seqs(Client().get(ADDRESS, {"last": 2})) == [2, 3]
    assert seqs(Client().get(ADDRESS, {"after": "now"})) == []


def test_a_place_that_does_not_lead_on_is_a_reset(three):
    reset = Client().get(ADDRESS, {"after": "gone~lab.first:1"}).json()["reset"]
    assert (reset["reason"], reset["topics"]) == ("epoch", ["lab.first"])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"after": "12x"}, "bad_cursor"),
        ({"last": "-1"}, "bad_query"),
        ({"last": "many"}, "bad_query"),
        ({"limit": "501"}, "bad_query"),
        ({"limit": "9" * 5_000}, "bad_query"),
    ],
    ids=str,
)
def test_what_can_t_be_read_is_refused(query, code):
    answer = Client().get(ADDRESS, query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert len(answer.content) < 1_000


def test_a_private_topic_is_for_those_who_may_look_back():
    ada = User.objects.create_user("ada")
    log.append(f"user.{ada.pk}", "demo.said", 1)
    address = f"/api/topics/user.{ada.pk}/events"
    reader, stranger = Client(), Client()
    reader.force_login(ada)
    stranger.force_login(User.objects.create_superuser("eve"))

    assert seqs(reader.get(address)) == [1]
    for client in (stranger, Client()):
        assert client.get(address).json()["code"] == "forbidden"
    assert Client().get("/api/topics/nonsense/events").json()["code"] == "no_such_topic"


def test_a_key_reads_nothing_and_a_token_as_far_as_it_reaches():
    ada = User.objects.create_superuser("ada")
    key = ApiKey(name="robot", owner=ada, topics="*").issue().text
    with_history = tokens.issue(ada, "lab.*", [Right.READ, Right.HISTORY]).text
    without = tokens.issue(ada, "lab.*", [Right.READ]).text

    def status(bearer: str) -> int:
        return Client().get(ADDRESS, headers={"Authorization": f"Bearer {bearer}"}).status_code

    assert [status(key), status(with_history), status(without), status("rtt_x"), status("rt_x")] == [
        403,
        200,
        403,
        401,
        401,
    ]


@pytest.mark.parametrize(
    "address",
    ["/api/topics", "/api/topics/", "/api/topics/lab.a/b", "/api/topics/a/b/events", "/api/notifications/x/y"],
)
def test_an_address_that_is_none_is_told_so_as_a_problem(address):
    answer = Client().get(address)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_address")
    assert answer["Content-Type"] == "application/problem+json"
