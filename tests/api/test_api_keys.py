"""API keys: what one opens, what it doesn't, and where its secret is to be found."""

import json
import logging
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.access.topic_patterns import reaches
from apps.api.models import ApiKey
from apps.events import log
from apps.events.cursor import START
from tests.api.issuing import issue

# Published in threads of the log's own, which see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

ADD = reverse("admin:api_apikey_add")
LIST = reverse("admin:api_apikey_changelist")


@pytest.fixture
def desk(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def publish(key: str, topic: str = "lab.first", client: Client | None = None):
    return (client or Client(enforce_csrf_checks=True)).post(
        f"/api/topics/{topic}/events",
        json.dumps({"type": "deploy.finished", "data": {}}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )


def refusal(response) -> tuple[int, str, str]:
    problem = response.json()
    return response.status_code, problem["code"], problem["detail"]


def logged(topic: str = "lab.first"):
    return log.read([topic], START).events


def test_a_key_publishes_without_a_session_and_without_a_csrf_token(key):
    assert publish(key).status_code == 201
    assert publish(key, "staff.deploys").status_code == 201
    assert len(logged()) == len(logged("staff.deploys")) == 1


def test_a_key_may_only_publish_to_its_topics_and_is_told_which(key):
    assert refusal(publish(key, "staff.salaries")) == (
        403,
        "forbidden",
        "the API key 'deploys' may not publish to 'staff.salaries', only to lab.*, staff.deploys",
    )
    assert logged("staff.salaries") == ()


def test_a_key_may_no_more_than_its_owner():
    key = issue(User.objects.create_user("bob"), "*")

    status, code, message = refusal(publish(key))

    assert (status, code) == (403, "forbidden")
    assert "'bob', who may not publish to 'lab.first'" in message


@pytest.mark.parametrize(
    "spoil", [lambda key: "", lambda key: "x", lambda key: key[:-1], lambda key: key[:-1] + "\x80"]
)
def test_what_is_not_a_key_is_refused(key, spoil):
    response = publish(spoil(key))

    assert refusal(response)[:2] == (401, "unknown_api_key")
    assert response["WWW-Authenticate"] == 'Bearer realm="publish"'


def test_the_prefix_of_one_key_with_the_secret_of_another_is_refused(ada, key):
    other = issue(ada)

    mixed = "_".join([*key.split("_", 2)[:2], other.split("_", 2)[2]])

    assert refusal(publish(mixed))[:2] == (401, "unknown_api_key")


def test_a_wrong_key_is_refused_even_beside_a_session_that_may(desk):
    assert refusal(publish("rt_wrong", client=desk))[:2] == (401, "unknown_api_key")


def test_a_revoked_key_is_refused_from_the_next_request_on(desk, key):
    assert publish(key).status_code == 201

    revoked = {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]}
    assert "Revoked: 1 key publishes no more." in desk.post(LIST, revoked, follow=True).content.decode()

    assert refusal(publish(key))[:2] == (401, "revoked_api_key")
    assert len(logged()) == 1


def test_the_key_of_a_deactivated_owner_is_refused(ada, key):
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert refusal(publish(key))[:2] == (401, "revoked_api_key")


def test_a_key_opens_no_page(key):
    assert Client().get(LIST, headers={"Authorization": f"Bearer {key}"}).status_code == 302


def test_last_use_is_written_to_the_minute(key):
    publish(key)
    first = ApiKey.objects.get().last_used_at
    publish(key)
    assert ApiKey.objects.get().last_used_at == first

    earlier = timezone.now() - timedelta(minutes=2)
    ApiKey.objects.update(last_used_at=earlier)
    publish(key)
    assert ApiKey.objects.get().last_used_at > earlier


def test_the_secret_is_neither_in_the_database_nor_in_the_logs(key, caplog):
    caplog.set_level(logging.DEBUG)
    secret = key.split("_", 2)[2]

    publish(key)
    publish(key, "staff.salaries")

    assert secret not in str(list(ApiKey.objects.values()))
    assert secret not in caplog.text


def test_the_admin_shows_a_new_key_once_and_it_works(desk, ada):
    response = desk.post(ADD, {"name": "deploys", "topics": "lab.*"})

    (key,) = re.findall(r"rt_[0-9a-f]{12}_[\w-]{43}", response.content.decode())
    assert "no-store" in response["Cache-Control"]
    assert ApiKey.objects.get().owner == ada
    assert publish(key).status_code == 201
    change = reverse("admin:api_apikey_change", args=[ApiKey.objects.get().pk])
    for page in (desk.get(LIST), desk.get(change)):
        assert page.status_code == 200
        assert key.split("_", 2)[2] not in page.content.decode()


def test_the_admin_changes_the_topics_of_a_key_and_nothing_else(desk, key):
    change = reverse("admin:api_apikey_change", args=[ApiKey.objects.get().pk])

    assert desk.post(change, {"name": "deploys", "topics": "lab.other"}).status_code == 302

    assert refusal(publish(key))[:2] == (403, "forbidden")
    assert publish(key, "lab.other").status_code == 201


def test_who_may_only_look_at_keys_revokes_none(key):
    viewer = User.objects.create_user("carol", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    client = Client()
    client.force_login(viewer)

    client.post(LIST, {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]})

    assert client.get(ADD).status_code == 403
    assert publish(key).status_code == 201


@pytest.mark.parametrize("topics", ["", "LAB.*", "l?b", "*.lab", "lab.* and", "lab,staff", "x" * 100])
def test_topics_that_fit_nothing_are_refused(ada, desk, topics):
    response = desk.post(ADD, {"name": "deploys", "topics": topics.replace("and", "&")})

    assert response.status_code == 200
    assert response.context["adminform"].form.errors["topics"]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("patterns", "topic", "reached"),
    [
        ("lab.*", "lab.first", True),
        ("lab.*", "lab", False),
        ("lab.*", "labour.party", False),
        ("lab.first", "lab.first.more", False),
        ("chat.lobby\r\nlab.*", "lab.first", True),
        ("*", "staff.deploys", True),
        ("", "lab.first", False),
    ],
)
def test_what_a_pattern_reaches(patterns, topic, reached):
    assert reaches(patterns, topic) is reached


def test_the_command_makes_a_key_that_works(ada, capsys):
    call_command("create_api_key", "deploy robot", "--owner", "ada", "--topics", "lab.*", "staff.deploys")

    (key,) = re.findall(r"^key: (\S+)$", capsys.readouterr().out, re.MULTILINE)
    assert publish(key, "staff.deploys").status_code == 201


@pytest.mark.parametrize(
    ("owner", "topic", "complaint"), [("nobody", "lab.*", "there is no user 'nobody'"), ("ada", "LAB", "fits no topic")]
)
def test_the_command_says_what_is_wrong(ada, owner, topic, complaint):
    with pytest.raises(CommandError, match=complaint):
        call_command("create_api_key", "robot", "--owner", owner, "--topics", topic)
    assert not ApiKey.objects.exists()
