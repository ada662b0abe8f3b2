"""Whom a notification reaches: everyone, groups or chosen people, also when that changes."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from apps.access.families import group_topic
from apps.access.identity import ANONYMOUS, identity_of
from apps.events import log
from apps.events.cursor import MAX_TOPICS, START
from apps.notifications import publishing, snapshot
from apps.notifications.audience import EVERYONE, MAX_PEOPLE, Audience, size, topics_of
from apps.notifications.models import Notification

pytestmark = pytest.mark.django_db

ADD = reverse("admin:notifications_notification_add")


@pytest.fixture
def editors() -> Group:
    return Group.objects.create(name="editors")


@pytest.fixture
def night() -> Group:
    return Group.objects.create(name="Night shift")


@pytest.fixture
def ada(editors: Group) -> User:
    ada = User.objects.create_user("ada")
    ada.groups.add(editors)
    return ada


@pytest.fixture
def ben() -> User:
    return User.objects.create_user("ben")


def post(audience: Audience, title: str = "For you") -> Notification:
    notification = Notification(title=title)
    publishing.post(notification, audience=audience)
    return notification


def told(*topics: str) -> dict[str, list[str]]:
    """Return topic -> what it was told, in short; data that was taken back is "-"."""
    events = {topic: log.read([topic], START, limit=500).events for topic in topics}
    return {
        topic: [event.type.removeprefix("notification.") if event.data else "-" for event in found]
        for topic, found in events.items()
    }


def seen_by(user: User | None) -> list[str]:
    identity = ANONYMOUS if user is None else identity_of(user)
    return [one["title"] for one in snapshot.latest(10, identity).notifications]


def test_each_audience_is_told_over_topics_that_nobody_else_reads(ada, ben, editors, night):
    post(EVERYONE, "all")
    post(Audience.of_groups(editors, night), "groups")
    post(Audience.of_people(ada, ben), "people")

    topics = ("notifications", "group.editors", group_topic("Night shift"), f"user.{ada.pk}", f"user.{ben.pk}")
    assert told(*topics) == {topic: ["posted"] for topic in topics}


def test_a_group_of_any_size_is_one_event(editors):
    editors.user_set.set(User.objects.create_user(f"member-{number}") for number in range(30))
    post(Audience.of_groups(editors))
    assert told("group.editors") == {"group.editors": ["posted"]}


def test_a_page_shows_each_reader_what_is_theirs(ada, ben, editors):
    post(EVERYONE, "all")
    post(Audience.of_groups(editors), "editors")
    post(Audience.of_people(ben), "ben")

    assert seen_by(None) == ["all"]
    assert seen_by(ada) == ["editors", "all"]
    assert seen_by(ben) == ["ben", "all"]


def test_a_snapshot_says_over_which_of_the_readers_own_topics_each_one_came(ada, ben, editors, night):
    ada.groups.add(night)
    post(Audience.of_groups(editors, night, Group.objects.create(name="secret")), "twice")

    (one,) = snapshot.latest(10, identity_of(ada)).notifications
    assert one["topics"] == sorted(["group.editors", group_topic("Night shift")])


def test_edits_and_recalls_follow_the_audience(ada, ben):
    notification = post(Audience.of_people(ada, ben))
    notification.title = "Changed"
    publishing.edit(notification)
    publishing.recall([notification])

    mine, theirs = f"user.{ada.pk}", f"user.{ben.pk}"
    assert told(mine, theirs) == {topic: ["-", "-", "recalled"] for topic in (mine, theirs)}
    assert told("notifications") == {"notifications": []}


def test_who_goes_out_forgets_and_who_comes_in_is_told(ada, ben, editors):
    notification = post(Audience.of_people(ada, ben))
    publishing.edit(notification, audience=Audience.of_people(ben))
    publishing.edit(notification, audience=Audience.of_groups(editors))

    assert told(f"user.{ada.pk}", f"user.{ben.pk}", "group.editors") == {
        f"user.{ada.pk}": ["-", "recalled"],
        f"user.{ben.pk}": ["-", "recalled"],
        "group.editors": ["posted"],
    }
    assert seen_by(ben) == []
    assert seen_by(ada) == ["For you"]
    assert publishing.edit(notification, audience=Audience.of_groups(editors)) is None


def test_content_and_audience_can_change_in_one_edit(ada, ben):
    notification = post(Audience.of_people(ada))
    notification.title = "Changed"
    publishing.edit(notification, audience=Audience.of_people(ada, ben))
    assert told(f"user.{ada.pk}", f"user.{ben.pk}") == {
        f"user.{ada.pk}": ["posted", "edited"],
        f"user.{ben.pk}": ["posted"],
    }


def test_a_retry_with_its_key_posts_once(ada, ben):
    for _ in range(2):
        event = publishing.post(Notification(title="Once"), key="k", audience=Audience.of_people(ada, ben))
    assert event.repeated
    assert Notification.objects.count() == 1
    assert told(f"user.{ada.pk}", f"user.{ben.pk}") == {f"user.{u.pk}": ["posted"] for u in (ada, ben)}


@pytest.mark.parametrize("kind", ["groups", "people"])
def test_an_audience_of_nobody_is_refused(kind):
    with pytest.raises(ValidationError):
        publishing.post(Notification(title="x"), audience=Audience(kind))
    assert not Notification.objects.exists()


def test_an_audience_that_cannot_be_known_is_not_taken_for_everyone():
    with pytest.raises(ValidationError, match="say whom it is for"):
        Notification.objects.create(title="x", audience="groups")
    assert told("notifications") == {"notifications": []}


def test_more_people_than_a_transaction_should_hold_are_refused():
    people = [User(pk=pk) for pk in range(1, MAX_PEOPLE + 2)]
    with pytest.raises(ValidationError, match="Make a group"):
        publishing.post(Notification(title="x"), audience=Audience.of_people(*people))


def test_what_was_for_a_group_that_is_gone_is_recalled_without_a_word(editors):
    notification = post(Audience.of_groups(editors))
    editors.delete()
    assert publishing.recall([Notification.objects.get(pk=notification.pk)]) == []
    assert not Notification.objects.exists()


def test_somebody_in_many_groups_subscribes_to_what_fits(ada):
    for number in range(30):
        ada.groups.add(Group.objects.create(name=f"g{number:02}"))
    topics = topics_of(identity_of(ada))
    assert len(topics) == MAX_TOPICS
    assert topics[:3] == ["notifications", f"user.{ada.pk}", "group.editors"]


def test_the_size_of_an_audience_counts_each_active_user_once(ada, ben, editors, night):
    night.user_set.set([ada, User.objects.create_user("gone", is_active=False)])
    assert size("everyone") == 2
    assert size("groups", groups=[editors.pk, night.pk]) == 1
    assert size("people", people=[ada.pk, ben.pk]) == 2
    assert size("people") == 0


# At the desk


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chief"))
    return client


def form(**more: object) -> dict[str, object]:
    return {"title": "For you", "message": "", "level": "info", "link": "", "audience": "everyone", **more}


def test_an_editor_chooses_people(desk, ada, ben):
    desk.post(ADD, form(audience="people", people=[ada.pk]))
    assert (seen_by(ada), seen_by(ben), seen_by(None)) == (["For you"], [], [])


def test_an_editor_changes_the_audience(desk, ada, ben, editors):
    desk.post(ADD, form(audience="people", people=[ada.pk, ben.pk]))
    notification = Notification.objects.get()
    change = reverse("admin:notifications_notification_change", args=[notification.pk])
    # People left over in a field that no longer counts are not meant.
    desk.post(change, form(audience="groups", groups=[editors.pk], people=[ben.pk]))
    assert (seen_by(ada), seen_by(ben)) == (["For you"], [])
    notification.refresh_from_db()
    assert list(notification.people.all()) == []
    assert told(f"user.{ben.pk}") == {f"user.{ben.pk}": ["-", "recalled"]}


def test_an_editor_who_chooses_nobody_is_told_so(desk):
    response = desk.post(ADD, form(audience="groups"))
    assert "Choose at least one group." in response.content.decode()
    assert not Notification.objects.exists()


def test_posting_again_goes_to_the_same_people(desk, ada, ben):
    notification = post(Audience.of_people(ada))
    desk.post(
        reverse("admin:notifications_notification_changelist"),
        {"action": "post_again", "_selected_action": [notification.pk]},
    )
    assert (seen_by(ada), seen_by(None), seen_by(ben)) == (["For you", "For you"], [], [])


def test_the_preview_of_the_size_is_for_editors(desk, ada, ben, editors):
    address = reverse("admin:notifications_audience_size")
    query = {"audience": "groups", "groups": [editors.pk, "x", "9" * 30]}
    assert desk.get(address, query).json() == {"size": 1}
    reader = Client()
    ben.is_staff = True
    ben.save()
    reader.force_login(ben)
    assert reader.get(address, query).status_code == 403
    ben.user_permissions.add(Permission.objects.get(codename="add_notification"))
    assert reader.get(address, query).json() == {"size": 1}


@pytest.fixture
def desk_without_users(ben: User) -> Client:
    """Return the browser of an editor who may not view users."""
    ben.is_staff = True
    ben.save()
    ben.user_permissions.set(Permission.objects.filter(codename__endswith="_notification"))
    client = Client()
    client.force_login(ben)
    return client


def test_an_editor_who_may_not_see_users_finds_out_about_none_by_their_numbers(desk_without_users, ada):
    address = reverse("admin:notifications_audience_size")
    refused = desk_without_users.post(ADD, form(audience="people", people=[ada.pk]))
    size = desk_without_users.get(address, {"audience": "people", "people": [ada.pk]})

    assert refused.status_code == 200  # the form again
    assert size.status_code == 403
    assert not Notification.objects.exists()


def test_an_editor_who_may_not_see_users_edits_what_is_for_some(desk_without_users, ada):
    notification = post(Audience.of_people(ada))

    change = reverse("admin:notifications_notification_change", args=[notification.pk])
    desk_without_users.post(change, form(title="For you alone", audience="people", people=[ada.pk]))

    assert seen_by(ada) == ["For you alone"]
