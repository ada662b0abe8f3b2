"""`manage.py post_notification` does from a shell what the admin does."""

import re

import pytest
from django.core.management import CommandError, call_command

from apps.notifications.models import Notification
from tests.notifications.reading import logged


def run(*words: str, capsys) -> str:
    call_command("post_notification", *words)
    return capsys.readouterr().out


@pytest.mark.django_db
def test_it_posts_and_says_where(capsys):
    said = run("Closed", "All day.", "--level", "warning", "--link", "/guide/", capsys=capsys)

    notification = Notification.objects.get()
    assert logged()[0].data == notification.as_data()
    assert (notification.message, notification.level, notification.link) == ("All day.", "warning", "/guide/")
    assert said == f"Posted: notification {notification.pk}, seq 1.\n"


@pytest.mark.django_db
def test_the_same_key_posts_once_and_says_so(capsys):
    run("Closed", "--key", "closing", capsys=capsys)
    said = run("Closed", "--key", "closing", capsys=capsys)

    pk = Notification.objects.get().pk
    assert said == f"Nothing was posted: this key was used before (seq 1, notification {pk}).\n"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([""], "title: This field cannot be blank."),
        (["x" * 10_000], "title: Ensure this value has at most 200 characters"),
        (["Closed", "x" * 10_000], "message: Ensure this value has at most 3000 characters"),
        (["Closed", "--link", "javascript:alert(1)"], "link: “javascript:alert(1)” can’t be posted as a link"),
        (["Closed\x1b[2J"], "title: There is an invisible control character (U+001B)"),
        (["Closed\udcff"], "title: There is an invisible control character (U+DCFF)"),
        (["Closed", "--key", "a\nb"], "Nothing was posted. event key 'a\\nb' was given"),
        (["Closed", "--level", "fatal"], "invalid choice: 'fatal'"),
    ],
)
def test_bad_input_is_refused_in_words_and_posts_nothing(words, complaint):
    with pytest.raises(CommandError, match=re.escape(complaint)):
        call_command("post_notification", *words)

    assert not Notification.objects.exists()


def test_a_process_of_its_own_reaches_whoever_waits_at_the_running_site(live_site):
    with live_site.client() as reader:
        cursor = reader.get("/feed/poll", params={"topic": "notifications"}).json()["cursor"]
        said = live_site.manage("post_notification", "From a shell", "--level", "success")
        answer = reader.get("/feed/long-poll", params={"topic": "notifications", "after": cursor})

    (event,) = answer.json()["events"]
    assert event["data"]["title"] == "From a shell"
    assert said == f"Posted: notification {event['data']['id']}, seq {event['seq']}.\n"


def test_without_a_database_it_says_so_and_asks_to_try_again(live_site, tmp_path):
    with pytest.raises(RuntimeError, match="ended with 75") as failed:
        live_site.manage("post_notification", "Closed", DATABASE_URL=f"sqlite:///{tmp_path}/none/site.sqlite3")

    assert "CommandError: The database failed: " in str(failed.value)
    assert "Traceback" not in str(failed.value)
