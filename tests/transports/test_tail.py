"""`manage.py tail TOPIC` follows a topic as `tail -f` follows a file."""

import json
import os
import re
import signal
import subprocess
import sys
import uuid

import pytest

from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT
from tests.transports.terminal import tailing


@pytest.fixture
def topic() -> str:
    return f"lab.{uuid.uuid4().hex}"


@pytest.fixture
def publish(live_site, topic):
    """Publish to the topic of this test, through the running site."""
    with live_site.client(live_site.admin) as staff:

        def send(*data):
            answers = [staff.post(f"/api/topics/{topic}/events", json={"type": "said", "data": one}) for one in data]
            assert [answer.status_code for answer in answers] == [201] * len(data)
            return [answer.text for answer in answers]

        yield send


def test_what_was_there_comes_first_and_what_is_published_follows(live_site, topic, publish):
    sent = publish("one", "two")
    with tailing(live_site.env, topic, "--json") as tail:
        assert [tail.next_line(), tail.next_line()] == sent
        sent = publish("three")
        assert [tail.next_line()] == sent


def test_each_line_is_time_seq_type_and_data(live_site, topic, publish):
    publish({"build": 7, "by": "Zoë 漢字"})
    with tailing(live_site.env, topic) as tail:
        line = tail.next_line()
    assert re.fullmatch(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}      1  said  {"build":7,"by":"Zoë 漢字"}', line)


def test_on_a_terminal_lines_are_coloured_and_in_a_pipe_they_are_not(live_site, topic, publish):
    publish("one")
    with tailing(live_site.env, topic, on_terminal=True) as tail:
        assert "\x1b[" in tail.next_line()
    with tailing(live_site.env, topic) as tail:
        assert "\x1b" not in tail.next_line()


def test_last_says_how_many_of_the_past_are_printed(live_site, topic, publish):
    publish(*range(12))
    with tailing(live_site.env, topic, "--last", "2", "--json") as tail:
        assert [json.loads(tail.next_line())["seq"] for _ in range(2)] == [11, 12]
    with tailing(live_site.env, topic, "--json") as tail:
        assert [json.loads(tail.next_line())["seq"] for _ in range(10)] == list(range(3, 13))


def test_ctrl_c_ends_quietly_and_tells_the_place_from_which_nothing_is_missed(live_site, topic, publish):
    publish("one")
    with tailing(live_site.env, topic, "--json") as tail:
        tail.next_line()
        assert tail.interrupt() == 0
        farewell = tail.next_complaint()
    assert farewell.startswith(f"to go on from here: manage.py tail {topic} --after ")
    sent = publish("two", "three")

    with tailing(live_site.env, topic, "--json", "--after", farewell.rpartition(" ")[2]) as tail:
        assert [tail.next_line(), tail.next_line()] == sent


def test_sigterm_ends_it_as_ctrl_c_does(live_site, topic, publish):
    publish("one")
    with tailing(live_site.env, topic) as tail:
        tail.next_line()
        assert tail.interrupt(signal.SIGTERM) == 0
        assert tail.next_complaint().startswith("to go on from here")


def test_it_ends_when_the_reader_of_its_pipe_has_enough(live_site, topic, publish):
    (sent,) = publish("one")
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" manage.py tail "$1" --json | head -n 1', sys.executable, topic],
        cwd=PROJECT,
        env=os.environ | PEOPLES_SETTINGS | live_site.env,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, sent + "\n", "")


def test_a_topic_without_events_is_waited_for(live_site, topic, publish):
    with tailing(live_site.env, topic, "--after", "start", "--json") as tail:
        (sent,) = publish("the first")
        assert tail.next_line() == sent


def test_a_cursor_that_cannot_be_continued_is_told_and_followed_from_the_oldest_kept_event(live_site, topic, publish):
    (sent,) = publish("one")
    with tailing(live_site.env, topic, "--after", f"elsewhere~{topic}:7", "--json") as tail:
        assert tail.next_complaint().startswith("reset (epoch)")
        assert tail.next_line() == sent


def test_what_a_terminal_would_obey_or_take_for_a_line_break_is_printed_as_an_escape(live_site, topic, publish):
    publish("\x1b[2J \x9b2J \x85 \u2028 \u202e")
    for options in (["--json"], []):
        with tailing(live_site.env, topic, *options) as tail:
            assert r"\u001b[2J \u009b2J \u0085 \u2028 \u202e" in tail.next_line()


def test_a_recalled_notification_reads_as_taken_back(site):
    running = site()
    running.post_notification("The password is swordfish")
    running.manage("shell", "-c", "from apps.notifications.models import Notification as N; N.objects.all().delete()")
    with tailing(running.env, "notifications") as tail:
        assert tail.next_line().endswith("notification.posted  (taken back)")
        assert tail.next_line().endswith('notification.recalled  {"id":1}')


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nonsense"], "there is no topic 'nonsense'"),
        (["Notifications"], "there is no topic 'Notifications'"),
        (["notifications", "--after", "garbage"], "cursor 'garbage' is not"),
        (["notifications", "--last", "501"], "'501' is not a number from 0 to 500"),
        (["notifications", "--last", "5", "--after", "now"], "not allowed with argument"),
        ([], "the following arguments are required: topic"),
    ],
)
def test_what_it_cannot_follow_is_said_in_one_line_with_status_2(tmp_path, words, complaint):
    # Without a database at all: none of this needs one.
    with tailing({"VAR_DIR": str(tmp_path)}, *words) as tail:
        assert tail.wait() == 2
        lines = tail.all_complaints()
    assert complaint in lines[-1]
    assert "Traceback" not in "".join(lines)


def test_without_a_database_it_says_so_and_asks_to_try_again(tmp_path):
    with tailing(
        {"VAR_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/none/site.sqlite3"}, "chat.lobby"
    ) as tail:
        assert tail.wait() == 75
        assert "the database did not answer" in tail.all_complaints()[-1]


def test_it_goes_on_after_the_database_was_away(site):
    running = site(database="postgresql")
    with tailing(running.env, "notifications", "--json") as tail:
        running.post_notification("Before")
        assert json.loads(tail.next_line())["data"]["title"] == "Before"
        running.postgresql.stop()
        while "the log can't be read" not in tail.next_complaint():
            pass
        running.postgresql.start()
        running.post_notification("After")
        assert json.loads(tail.next_line())["data"]["title"] == "After"
