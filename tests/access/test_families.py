"""Who may read and write which topic: every kind of user against every kind of topic."""

import pytest
from django.contrib.auth.models import AnonymousUser, User

from apps.access.families import family_of, may_publish, may_read

USERS = {
    "anonymous": AnonymousUser(),
    "reader": User(pk=7, username="reader"),
    "staff": User(pk=8, username="staff", is_staff=True),
    "superuser": User(pk=9, username="superuser", is_staff=True, is_superuser=True),
    "inactive": User(pk=7, username="inactive", is_active=False),
    "inactive staff": User(pk=8, username="inactive staff", is_staff=True, is_active=False),
}
EVERYBODY = set(USERS)
STAFF = {"staff", "superuser"}
NOBODY: set[str] = set()

# topic -> who may read it, who may publish to it
RIGHTS = {
    "notifications": (EVERYBODY, STAFF),
    "chat.lobby": (EVERYBODY, STAFF),
    "lab.run-1": (EVERYBODY, STAFF),
    "user.7": ({"reader"}, STAFF),
    "user.8": ({"staff"}, STAFF),
    "user.70": (NOBODY, STAFF),
    "user.07": (NOBODY, STAFF),
}
NO_TOPICS = [
    "",
    "notification",
    "notifications.x",
    "notifications2",
    "chat",
    "chatter",
    "lab",
    "user",
    "user.",
    "user.x",
    "user.7.8",
    "user.-7",
    "user.7x",
    "users.7",
    "secret",
    "Notifications",
    "chat.lobby ",
    "chat.lobby\n",
    "chat./etc",
    "user.٧",
    "user.７",
    "a" * 100,
    "\ud800",
]


@pytest.mark.parametrize("topic", RIGHTS)
def test_a_topic_is_read_and_published_to_by_those_who_may(topic: str) -> None:
    readers, publishers = RIGHTS[topic]
    assert {name for name, user in USERS.items() if may_read(user, topic)} == readers
    assert {name for name, user in USERS.items() if may_publish(user, topic)} == publishers


@pytest.mark.parametrize("topic", NO_TOPICS)
def test_what_no_family_matches_is_no_topic_for_anybody(topic: str) -> None:
    assert family_of(topic) is None
    assert not any(may_read(user, topic) or may_publish(user, topic) for user in USERS.values())


def test_a_user_who_was_never_saved_has_no_topic() -> None:
    unsaved = User(username="unsaved")
    assert not may_read(unsaved, "user.none")
    assert not may_read(unsaved, "user.0")
