"""Who may do what with which topic: every kind of person against every kind of topic."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from hypothesis import given
from hypothesis import strategies as st

from apps.access.families import FAMILIES, Family, family_of, group_topic, may
from apps.access.identity import ANONYMOUS, Identity, Right, identity_of
from apps.events.topic_names import TOPIC_NAME

PEOPLE = {
    "anonymous": ANONYMOUS,
    "reader": Identity("7", "reader"),
    "member": Identity("6", "member", groups=frozenset({"editors", "Night shift"})),
    "staff": Identity("8", "staff", is_staff=True),
}
EVERYBODY = set(PEOPLE)
NOBODY: set[str] = set()

# topic -> who may read it and its history; staff publishes to all of them
READERS = {
    "notifications": EVERYBODY,
    "chat.lobby": EVERYBODY,
    "lab.run-1": EVERYBODY,
    "user.7": {"reader"},
    "user.8": {"staff"},
    "user.70": NOBODY,
    "user.07": NOBODY,
    "group.editors": {"member"},
    group_topic("Night shift"): {"member"},
    "group.night-shift": NOBODY,
    "group.editors.x": NOBODY,
    "group.other": NOBODY,
    "staff.alerts": {"staff"},
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
    "group",
    "group.",
    "groups.editors",
    "staff",
    "staff.",
    "secret",
    "Notifications",
    "chat.lobby ",
    "chat.lobby\n",
    "chat./etc",
    "group.Editors",
    "user.٧",
    "user.７",
    "a" * 100,
    "\ud800",
]


@pytest.mark.parametrize("topic", READERS)
@pytest.mark.parametrize("right", Right)
def test_a_topic_is_open_to_those_who_have_the_right(topic: str, right: Right) -> None:
    expected = {"staff"} if right is Right.PUBLISH else READERS[topic]
    assert {name for name, identity in PEOPLE.items() if may(identity, right, topic)} == expected


@pytest.mark.parametrize("topic", NO_TOPICS)
def test_what_no_family_matches_is_no_topic_for_anybody(topic: str) -> None:
    assert family_of(topic) is None
    assert not any(may(identity, right, topic) for identity in PEOPLE.values() for right in Right)


def test_who_was_deactivated_or_never_signed_in_is_nobody() -> None:
    assert identity_of(AnonymousUser()) is ANONYMOUS
    assert identity_of(User(pk=8, username="inactive staff", is_staff=True, is_active=False)) is ANONYMOUS


# docs/ACCESS.md shows it.
class OrderFamily(Family):
    """`order.<number>`: whoever is signed in follows an order; looking back and publishing take a permission."""

    def matches(self, topic: str) -> bool:
        return topic.startswith("order.")

    def may_read(self, identity: Identity, topic: str) -> bool:
        return identity.is_signed_in

    def may_read_history(self, identity: Identity, topic: str) -> bool:
        return identity.has_permission("shop.view_order")

    def may_publish(self, identity: Identity, topic: str) -> bool:
        return identity.has_permission("shop.change_order")


def test_a_project_adds_a_family_with_one_class_and_each_right_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.access.families.FAMILIES", (*FAMILIES, OrderFamily()))
    clerk = Identity("9", "clerk", permissions=frozenset({"shop.view_order"}))
    shop = Identity("10", "shop", permissions=frozenset({"shop.change_order"}))
    rights = {
        who: {right for right in Right if may(identity, right, "order.1")}
        for who, identity in {**PEOPLE, "clerk": clerk, "shop": shop}.items()
    }
    assert rights == {
        "anonymous": set(),
        "reader": {Right.READ},
        "member": {Right.READ},
        "staff": {Right.READ},
        "clerk": {Right.READ, Right.HISTORY},
        "shop": {Right.READ, Right.PUBLISH},
    }


class Narrow(Identity):
    """A credential that reaches less far than its owner."""

    def reaches(self, right: Right, topic: str) -> bool:
        return right is Right.READ and topic == "staff.alerts"


def test_a_narrow_credential_takes_rights_away_and_gives_none() -> None:
    staff = Narrow("8", "staff", is_staff=True)
    assert may(staff, Right.READ, "staff.alerts")
    assert not may(staff, Right.HISTORY, "staff.alerts")
    assert not may(staff, Right.PUBLISH, "staff.alerts")
    assert not may(staff, Right.READ, "user.8")
    assert not may(Narrow("7", "reader"), Right.READ, "staff.alerts")


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("editors", "group.editors"),
        ("night_shift-2", "group.night_shift-2"),
        ("Night shift", "group.night-shift.4edd7446d996a158"),
        ("编辑", "group..051836569928a9f9"),
    ],
)
def test_a_groups_topic_can_be_told_from_its_name(name: str, topic: str) -> None:
    assert group_topic(name) == topic


@given(st.lists(st.text(max_size=150), min_size=2, max_size=2, unique=True))
def test_two_groups_never_share_a_topic_and_each_has_one(names: list[str]) -> None:
    one, other = map(group_topic, names)
    assert one != other
    assert all(TOPIC_NAME.fullmatch(topic) for topic in (one, other))
    assert family_of(one) is not None
