"""The editors' desk: what saving, editing, deleting and posting again do, and what editors are told."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.notifications import publishing
from apps.notifications.models import Level, Notification
from tests.notifications.reading import logged, told

pytestmark = pytest.mark.django_db

LIST = reverse("admin:notifications_notification_changelist")
ADD = reverse("admin:notifications_notification_add")


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def desk(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def content(**changes) -> dict[str, str]:
    return {
        "title": "Closed on Friday",
        "message": "All day.",
        "level": "warning",
        "link": "/guide/",
        "audience": "everyone",
    } | changes


def post(title: str = "Closed on Friday", **options) -> Notification:
    notification = Notification(title=title, **options)
    publishing.post(notification)
    return notification


def change_url(notification: Notification) -> str:
    return reverse("admin:notifications_notification_change", args=[notification.pk])


def told_editor(response) -> list[str]:
    """Return the messages at the top of the page, as they read."""
    return [re.sub(r"<[^>]+>", "", str(message)) for message in response.context["messages"]]


def do(client: Client, action: str, notifications, **more):
    selected = [notification.pk for notification in notifications]
    return client.post(LIST, {"action": action, "_selected_action": selected, **more}, follow=True)


def test_saving_posts_in_the_name_of_the_editor_and_says_where_it_is(desk, ada):
    response = desk.post(ADD, content(), follow=True)

    (notification,) = Notification.objects.all()
    (event,) = logged()
    assert notification.posted_by == ada
    assert event.data == notification.as_data()
    assert event.data["posted_by"] == "Ada Lovelace"
    assert told_editor(response) == ["Posted: “Closed on Friday” is on every open page within a second (seq 1)."]


def test_author_and_time_cannot_be_forged_through_the_form(desk, ada):
    other = User.objects.create_user("mallory")

    desk.post(ADD, content(posted_by=other.pk, posted_by_name=other.pk, posted_at="1999-01-01 00:00:00"))

    notification = Notification.objects.get()
    assert notification.posted_by == ada
    assert notification.posted_at.year > 1999


def test_a_form_that_arrives_twice_is_posted_once(desk):
    form = content(submission=desk.get(ADD).context["adminform"].form["submission"].value())

    desk.post(ADD, form)
    response = desk.post(ADD, form, follow=True)

    assert Notification.objects.count() == 1
    assert len(logged()) == 1
    assert "went out once" in told_editor(response)[-1]


def test_every_new_form_is_another_post(desk):
    for _ in range(2):
        desk.post(ADD, content(submission=desk.get(ADD).context["adminform"].form["submission"].value()))

    assert [event.type for event in logged()] == ["notification.posted"] * 2


def test_going_back_to_a_sent_form_and_changing_a_word_posts_another_notification(desk):
    desk.post(ADD, content(submission="token"))
    desk.post(ADD, content(submission="token", title="Closed on Monday"))

    assert [event.data["title"] for event in logged()] == ["Closed on Friday", "Closed on Monday"]


def test_going_back_to_a_form_whose_notification_was_recalled_posts_it_again(desk):
    desk.post(ADD, content(submission="token"))
    publishing.recall(Notification.objects.all())

    response = desk.post(ADD, content(submission="token"), follow=True)

    assert Notification.objects.count() == 1
    assert told_editor(response)[-1] == "Posted: “Closed on Friday” is on every open page within a second (seq 3)."


@pytest.mark.parametrize("submission", ["", "a b", "x" * 500, "\u202e"])
def test_a_form_with_a_mangled_token_is_posted_all_the_same(desk, submission):
    desk.post(ADD, content(submission=submission))

    assert len(logged()) == 1


def test_editing_tells_the_pages_and_the_editor(desk):
    notification = post(level=Level.WARNING)

    response = desk.post(change_url(notification), content(title="Closed on Monday"), follow=True)

    assert told() == [f"posted {notification.pk}", f"edited {notification.pk}"]
    assert logged()[-1].data["title"] == "Closed on Monday"
    assert told_editor(response) == [
        "Edited: “Closed on Monday” is up to date on every open page within a second (seq 2)."
    ]


def test_saving_without_a_change_sends_nothing_and_says_so(desk):
    notification = post(message="All day.", level=Level.WARNING, link="/guide/")

    response = desk.post(change_url(notification), content(), follow=True)

    assert told() == [f"posted {notification.pk}"]
    assert told_editor(response) == ["Nothing was changed, so nothing was sent."]


def test_line_breaks_that_a_browser_sends_are_no_change(desk):
    notification = post(message="One.\nTwo.", level=Level.WARNING, link="/guide/")

    desk.post(change_url(notification), content(message="One.\r\nTwo."))

    assert told() == [f"posted {notification.pk}"]


def test_an_edit_that_meets_a_recall_halfway_is_told_and_saves_nothing(desk, monkeypatch):
    notification = post()
    edit = publishing.edit

    def recalled_just_before(edited, **options):
        publishing.recall([notification])
        return edit(edited)

    monkeypatch.setattr(publishing, "edit", recalled_just_before)
    response = desk.post(change_url(notification), content(), follow=True)

    assert response.redirect_chain == [(LIST, 302)]
    assert told_editor(response) == ["This notification was recalled meanwhile; nothing was saved."]
    assert not LogEntry.objects.exists()


def test_deleting_recalls_and_the_text_is_gone_from_the_log(desk):
    notification = post("The password is swordfish")

    url = reverse("admin:notifications_notification_delete", args=[notification.pk])
    response = desk.post(url, {"post": "yes"}, follow=True)

    assert told() == [f"posted {notification.pk}", f"recalled {notification.pk}"]
    assert not any(b"swordfish" in event.json for event in logged())
    assert told_editor(response) == [
        "Recalled: 1 notification leaves every open page within a second (seq 2). "
        "Its text can no longer be read back from the log."
    ]


def test_deleting_several_recalls_each(desk):
    kept, *doomed = [post("Keep me"), post("One"), post("Two"), post("Three")]

    response = do(desk, "delete_selected", doomed, post="yes")

    assert list(Notification.objects.all()) == [kept]
    assert told()[4:] == [f"recalled {notification.pk}" for notification in doomed]
    assert "3 notifications leave every open page within a second (seq 5–7)" in told_editor(response)[0]


def test_posting_again_makes_copies_in_the_editors_name_oldest_first(desk, ada):
    originals = [post("One", message="1", level=Level.CRITICAL, link="/one/"), post("Two")]

    response = do(desk, "post_again", originals)

    assert Notification.objects.count() == 4
    first, second = (event.data for event in logged()[2:])
    assert (first["title"], first["message"], first["level"], first["link"]) == ("One", "1", "critical", "/one/")
    assert (second["title"], second["posted_by"]) == ("Two", "Ada Lovelace")
    assert first["id"] not in [original.pk for original in originals]
    assert "Posted again: 2 notifications" in told_editor(response)[0]


def test_posting_again_posts_all_or_none(desk, monkeypatch):
    originals = [post("One"), post("Two")]
    original_post = publishing.post

    def fail_on_the_second(notification, **options):
        if notification.title == "Two":
            raise RuntimeError
        return original_post(notification, **options)

    monkeypatch.setattr(publishing, "post", fail_on_the_second)
    with pytest.raises(RuntimeError):
        do(desk, "post_again", originals)

    assert Notification.objects.count() == 2
    assert len(logged()) == 2


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("title", "", "This field is required."),
        ("title", "x" * 10_000, "at most 200 characters (it has 10000)"),
        ("title", "a\x1bb", "U+001B"),
        ("title", "a\x00b", "Null characters are not allowed."),
        ("message", "x" * 10_000, "at most 3000 characters (it has 10000)"),
        ("message", "a\x07b", "U+0007"),
        ("link", "javascript:alert(1)", "can’t be posted as a link"),
        ("link", "//evil.example", "can’t be posted as a link"),
        ("level", "fatal", "not one of the available choices"),
    ],
)
def test_bad_input_is_refused_beside_its_field_and_posts_nothing(desk, field, value, complaint):
    response = desk.post(ADD, content(**{field: value}))

    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert list(errors) == [field]
    assert complaint in errors[field][0]
    assert logged() == ()
    assert not Notification.objects.exists()


def test_what_was_typed_stays_in_a_refused_form(desk):
    response = desk.post(ADD, content(link="javascript:alert(1)", message="A long text\nthat took an hour"))

    assert "A long text\nthat took an hour" in response.content.decode()


def test_a_message_is_counted_as_its_author_counts_it(desk):
    # A browser sends 3,000 characters with 1,499 line breaks as 4,499.
    desk.post(ADD, content(message="\r\n".join("x" * 1_500) + "x"))

    assert len(Notification.objects.get().message) == 3_000


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7|add:7 }}"])
def test_markup_in_a_title_is_shown_as_it_was_typed(desk, title):
    posted = desk.post(ADD, content(title=title, message=title, _continue=""), follow=True).content.decode()
    listed = desk.get(LIST).content.decode()

    for page in (posted, listed):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert desk.get(LIST).context["cl"].result_list[0].title == title


def test_no_page_of_the_desk_has_a_script_or_style_inside(desk):
    notification = post()
    for url in (ADD, LIST, change_url(notification)):
        page = desk.get(url).content.decode()
        assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
        assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


def test_list_filters_search_and_dates_find_notifications(desk, ada):
    post("Payments work again", level=Level.SUCCESS, posted_by=ada)
    post("Closed", message="No payments on Friday", level=Level.WARNING)

    def found(**query):
        return [notification.title for notification in desk.get(LIST, query).context["cl"].result_list]

    assert found() == ["Closed", "Payments work again"]
    assert found(q="payments") == ["Closed", "Payments work again"]
    assert found(q="friday") == ["Closed"]
    assert found(level__exact="success") == ["Payments work again"]
    assert found(posted_by__id__exact=ada.pk) == ["Payments work again"]
    assert found(posted_by__isnull="True") == ["Closed"]
    assert found(posted_at__year="1999") == []


def test_the_list_names_who_posted_or_that_a_program_did(desk, ada):
    post("By hand", posted_by=ada)
    post("By a script")

    page = desk.get(LIST).content.decode()

    assert '<td class="field-posted_by_name">Ada Lovelace</td>' in page
    assert '<td class="field-posted_by_name">a program</td>' in page


def test_an_editor_who_may_only_view_sees_texts_and_can_change_nothing(client):
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_notification"))
    client.force_login(viewer)
    notification = post()

    assert client.get(change_url(notification)).status_code == 200
    assert client.post(change_url(notification), content()).status_code == 403
    assert client.post(ADD, content()).status_code == 403
    do(client, "post_again", [notification])
    do(client, "delete_selected", [notification], post="yes")
    assert told() == [f"posted {notification.pk}"]


def test_the_desk_speaks_chinese(desk):
    desk.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"

    with translation.override("en"):  # what a request switches to stays on in the thread of the tests
        page = desk.get(ADD).content.decode()
        response = desk.post(ADD, content(title="周五提前打烊"), follow=True)

    assert "页面上的样子" in page
    assert "{count} / {limit} 个字符" in page
    assert told_editor(response) == ["已发布：“周五提前打烊”一秒之内出现在所有打开的页面上（seq 1）。"]
