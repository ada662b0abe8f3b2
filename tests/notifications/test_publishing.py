"""Row and event change together, whichever way a notification is posted, edited or recalled."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.events import cursor, log
from apps.events.logged_event import wire_time
from apps.notifications import publishing, snapshot
from apps.notifications.models import MAX_LINK_LENGTH, MAX_MESSAGE_LENGTH, MAX_TITLE_LENGTH, Level, Notification
from tests.notifications.reading import logged, told

pytestmark = pytest.mark.django_db


class Abandoned(Exception):
    pass


def post(title: str = "Closed on Friday", **content) -> Notification:
    notification = Notification(title=title, **content)
    publishing.post(notification)
    return notification


def test_a_post_is_a_row_and_an_event_with_the_same_content():
    ada = User.objects.create_user("ada", first_name="Ada", last_name="Lovelace")
    notification = Notification(
        title="Closed on Friday", message="All day.\nSorry!", level=Level.WARNING, link="/guide/", posted_by=ada
    )

    event = publishing.post(notification)

    assert (event.topic, event.seq, event.type) == ("notifications", 1, "notification.posted")
    assert event.data == Notification.objects.get().as_data()
    assert event.data == {
        "id": notification.pk,
        "title": "Closed on Friday",
        "message": "All day.\nSorry!",
        "level": "warning",
        "link": "/guide/",
        "posted_by": "Ada Lovelace",
        "posted_at": wire_time(notification.posted_at),
    }
    assert event.subject == f"notification:{notification.pk}"


def test_row_and_event_vanish_together_when_the_transaction_is_abandoned():
    def post_and_give_up():
        with transaction.atomic():
            post()
            raise Abandoned

    with pytest.raises(Abandoned):
        post_and_give_up()

    assert not Notification.objects.exists()
    assert logged() == ()


def test_a_post_whose_event_the_log_refuses_leaves_no_row():
    with pytest.raises(log.EventRejected):
        publishing.post(Notification(title="Closed"), key="a\nkey")

    assert not Notification.objects.exists()


def test_an_edit_whose_event_cannot_be_written_leaves_the_row_as_it_was(monkeypatch):
    notification = post("Closed on Friday")

    def refuse(*args, **options):
        raise log.EventRejected("no")

    monkeypatch.setattr(publishing.log, "append_many", refuse)
    notification.title = "Closed on Monday"
    with pytest.raises(log.EventRejected):
        publishing.edit(notification)

    assert Notification.objects.get().title == "Closed on Friday"


def test_a_recall_whose_events_cannot_be_written_deletes_nothing(monkeypatch):
    notifications = [post("One"), post("Two")]

    def refuse(new_events):
        raise log.EventRejected("no")

    monkeypatch.setattr(publishing.log, "append_many", refuse)
    with pytest.raises(log.EventRejected):
        publishing.recall(notifications)

    assert Notification.objects.count() == 2


def test_a_retry_with_the_same_key_posts_once():
    first, retry = Notification(title="Closed"), Notification(title="Closed")

    event, repeated = publishing.post(first, key="closing"), publishing.post(retry, key="closing")

    assert (event.repeated, repeated.repeated) == (False, True)
    assert repeated.seq == event.seq
    assert retry.pk == first.pk
    assert Notification.objects.count() == 1
    assert told() == [f"posted {first.pk}"]


def test_a_retry_after_the_recall_does_not_bring_the_notification_back():
    first, retry = Notification(title="Closed"), Notification(title="Closed")
    publishing.post(first, key="closing")
    publishing.recall([first])

    repeated = publishing.post(retry, key="closing")

    assert repeated.repeated
    assert retry.pk is None
    assert not Notification.objects.exists()


def test_an_edit_tells_the_whole_content_again():
    notification = post("Closed on Friday", message="All day.")
    notification.title = "Closed on Monday"

    event = publishing.edit(notification)

    assert event.type == "notification.edited"
    assert event.data == Notification.objects.get().as_data()
    assert (event.data["title"], event.data["message"]) == ("Closed on Monday", "All day.")


def test_an_edit_that_changes_nothing_is_no_event():
    notification = post()

    assert publishing.edit(notification) is None
    assert told() == [f"posted {notification.pk}"]


def test_an_edit_changes_neither_author_nor_time():
    notification = post()
    posted_at = notification.posted_at
    notification.title = "Closed on Monday"
    notification.posted_by = User.objects.create_user("mallory")
    notification.posted_at = posted_at.replace(year=1999)

    event = publishing.edit(notification)

    assert (event.data["posted_by"], event.data["posted_at"]) == ("", wire_time(posted_at))
    assert Notification.objects.get().posted_at == posted_at


def test_an_edit_of_a_recalled_notification_fails_and_does_not_bring_it_back():
    notification = post()
    late = Notification.objects.get()
    publishing.recall([notification])
    late.title = "Closed on Monday"

    with pytest.raises(Notification.DoesNotExist):
        publishing.edit(late)

    assert not Notification.objects.exists()
    assert logged()[-1].type == "notification.recalled"


def test_a_recalled_text_can_no_longer_be_read_back_from_the_log():
    notification = post("The password is swordfish", message="swordfish")
    notification.title = "The password is not swordfish"
    publishing.edit(notification)
    other = post("Closed on Friday")

    (recalled,) = publishing.recall([notification])

    assert (recalled.type, recalled.data) == ("notification.recalled", {"id": notification.pk})
    assert [event.data for event in logged()] == [None, None, other.as_data(), {"id": notification.pk}]
    assert not any(b"swordfish" in event.json for event in logged())


def test_recalling_what_is_gone_already_is_no_event():
    notification = post()
    same = Notification.objects.get()
    publishing.recall([notification])

    assert publishing.recall([same]) == []
    assert told() == [f"posted {same.pk}", f"recalled {same.pk}"]


def test_more_notifications_are_recalled_than_fit_one_query(monkeypatch):
    monkeypatch.setattr(publishing, "_RECALL_CHUNK", 2)
    posted = [post(f"Number {number}") for number in range(5)]

    events = publishing.recall(reversed(posted))

    assert [event.subject for event in events] == [f"notification:{one.pk}" for one in posted]
    assert not Notification.objects.exists()


def test_save_and_delete_in_code_are_a_post_an_edit_and_a_recall():
    notification = Notification.objects.create(title="Closed on Friday")
    pk = notification.pk
    notification.title = "Closed on Monday"
    notification.save()
    Notification.objects.update_or_create(pk=pk, defaults={"level": Level.CRITICAL})
    notification.delete()

    assert notification.pk is None
    assert told() == [f"posted {pk}", f"edited {pk}", f"edited {pk}", f"recalled {pk}"]


def test_deleting_a_queryset_recalls_each_of_its_notifications():
    kept, first, second = post("Keep me"), post("Draft one"), post("Draft two")

    deleted = Notification.objects.filter(title__startswith="Draft").delete()

    assert deleted == (2, {"notifications.Notification": 2})
    assert list(Notification.objects.all()) == [kept]
    assert told()[-2:] == [f"recalled {first.pk}", f"recalled {second.pk}"]


def test_a_deleted_author_leaves_the_notification_in_place():
    ada = User.objects.create_user("ada")
    post("Closed", posted_by=ada)

    ada.delete()

    assert Notification.objects.get().as_data()["posted_by"] == ""


@pytest.mark.parametrize(
    "link",
    [
        "",
        "/",
        "/guide/#sse",
        "/guide/?a=1&b=2",
        "https://example.org",
        "http://wiki:8080/a%20b",
        "HTTPS://例子.中国/路",
    ],
)
def test_a_link_to_the_web_or_into_this_site_is_taken(link):
    assert post(link=link).as_data()["link"] == link


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https:///evil.example",
        "https://",
        "https://user:password@example.org",
        "https://[::1",
        "https://example.org:port/",
        "https://example.org/a b",
        "https://example.org/\u202egpj",
        "guide/",
        "#sse",
    ],
)
def test_any_other_link_is_refused(link):
    with pytest.raises(ValidationError) as refused:
        post(link=link)

    assert list(refused.value.message_dict) == ["link"]
    assert logged() == ()


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\ud800"])
@pytest.mark.parametrize("field", ["title", "message"])
def test_a_control_character_is_refused_by_its_name(field, character):
    with pytest.raises(ValidationError) as refused:
        publishing.post(Notification(**{"title": "Closed", field: f"on{character}Friday"}))

    assert f"U+{ord(character):04X}" in refused.value.message_dict[field][0]


def test_a_title_is_one_line():
    with pytest.raises(ValidationError, match=r"U\+000A"):
        post("Closed\non Friday")


@pytest.mark.parametrize("title", ["", "   ", "\t"])
def test_a_title_that_says_nothing_is_refused(title):
    with pytest.raises(ValidationError) as refused:
        post(title)

    assert list(refused.value.message_dict) == ["title"]


def test_every_kind_of_line_break_becomes_a_line_feed():
    notification = post(message="one\r\ntwo\rthree\u2028four\u0085five")

    assert notification.message == "one\ntwo\nthree\nfour\nfive"


@pytest.mark.parametrize(("field", "length"), [("title", 10_000), ("message", 10_000), ("link", 10_000), ("level", 9)])
def test_a_field_that_is_too_long_is_refused(field, length):
    with pytest.raises(ValidationError) as refused:
        publishing.post(Notification(**{"title": "Closed", field: "/" + "a" * (length - 1)}))

    assert list(refused.value.message_dict) == [field]


def test_the_longest_notification_fits_an_event_in_any_script():
    # A surrogate pair in UTF-16 and 4 bytes in UTF-8: nothing takes more.
    notification = post(
        "😀" * MAX_TITLE_LENGTH,
        message="😀" * MAX_MESSAGE_LENGTH,
        link="/" + "😀" * (MAX_LINK_LENGTH - 1),
        level=Level.CRITICAL,
        posted_by=User.objects.create_user("root", first_name="😀" * 150, last_name="😀" * 150),
    )

    assert logged()[0].data == notification.as_data()


def test_an_unknown_level_is_refused():
    with pytest.raises(ValidationError) as refused:
        post(level="fatal")

    assert list(refused.value.message_dict) == ["level"]


def test_a_snapshot_is_the_newest_notifications_and_the_place_after_them():
    older, newer = post("Older"), post("Newer")
    publishing.recall([post("Recalled")])

    latest = snapshot.latest(10)

    reached = {"topics": ["notifications"]}
    assert latest.notifications == [newer.as_data() | reached, older.as_data() | reached]
    assert latest.cursor == log.bounds(["notifications"]).cursor.text
    assert snapshot.latest(1).notifications == [newer.as_data() | reached]


def test_a_notification_posted_between_cursor_and_rows_of_a_snapshot_is_after_its_cursor(monkeypatch):
    bounds = log.bounds

    def bounds_then_post(topics):
        found = bounds(topics)
        post("Just in between")
        return found

    monkeypatch.setattr(snapshot.log, "bounds", bounds_then_post)
    latest = snapshot.latest(10)
    monkeypatch.undo()

    after = log.read(["notifications"], cursor.parse(latest.cursor)).events
    assert [event.data | {"topics": [event.topic]} for event in after] == latest.notifications


def test_a_key_that_another_event_has_is_refused_in_words():
    log.append("notifications", "demo.x", None, key="k")

    with pytest.raises(log.EventRejected, match="the key 'k' is that of another event, a 'demo\\.x'"):
        publishing.post(Notification(title="Closed on Friday"), key="k")
    assert not Notification.objects.exists()
