"""What the log takes, and the words with which it refuses the rest."""

import json
import re

import pytest
from django.contrib.auth.models import User

from apps.events import log
from apps.events.cursor import START
from apps.events.log import MAX_DATA_BYTES, EventRejected, EventTooLarge
from apps.events.topic_names import TopicNameError

pytestmark = pytest.mark.django_db

LONE_SURROGATE = "\ud800"


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="null"),
        pytest.param(False, id="false"),
        pytest.param("", id="empty text"),
        pytest.param(-1.5e300, id="number"),
        pytest.param({}, id="empty object"),
        pytest.param({"a": [1, {"b": [None]}]}, id="object"),
        pytest.param("\u0000", id="NUL"),
        pytest.param("\r\n\r\nevent: reset\r\ndata: {}\r\n\r\n", id="line breaks"),
        pytest.param("\u2028\u2029\u0085\x1f\x7f\ufeff", id="separators and controls"),
        pytest.param("通知 \U0001f514 e\u0301", id="unicode"),
        pytest.param("</script><script>alert(1)</script>", id="script"),
        pytest.param("\ufdd0\uffff", id="non-characters"),
        pytest.param(nested(100), id="nested"),
    ],
)
def test_a_json_value_comes_back_as_it_was(data: object) -> None:
    log.append("lab.a", "test.happened", data)
    (event,) = log.read(["lab.a"], START).events
    assert event.data == data
    assert json.loads(event.json)["data"] == data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(float("nan"), "numbers that are finite", id="NaN"),
        pytest.param([float("-inf")], "numbers that are finite", id="infinity"),
        pytest.param(LONE_SURROGATE, "surrogate pair", id="lone surrogate"),
        pytest.param({LONE_SURROGATE: 1}, "surrogate pair", id="lone surrogate in a name"),
        pytest.param({1, 2}, "lists and objects", id="a set"),
        pytest.param(b"bytes", "lists and objects", id="bytes"),
        pytest.param({(1, 2): 3}, "lists and objects", id="a name that is no text"),
        pytest.param(nested(100_000), "lists and objects", id="nested too deeply"),
        pytest.param(10**5_000, "lists and objects", id="a number of 5,000 digits"),
    ],
)
def test_what_json_cannot_say_is_refused(data: object, said: str) -> None:
    with pytest.raises(EventRejected, match=said):
        log.append("lab.a", "test.happened", data)


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list = []
    endless.append(endless)
    with pytest.raises(EventRejected):
        log.append("lab.a", "test.happened", endless)


@pytest.mark.parametrize("character", ["x", "通"], ids=["ascii", "chinese"])
def test_data_is_taken_up_to_its_limit_in_bytes(character: str) -> None:
    room = MAX_DATA_BYTES - len('""')
    width = len(character.encode())
    log.append("lab.a", "test.happened", character * (room // width))
    with pytest.raises(EventTooLarge, match=f"at most {MAX_DATA_BYTES} fit"):
        log.append("lab.a", "test.happened", character * (room // width + 1))


@pytest.mark.parametrize("type", ["t", "t" * 64, "notification.posted", "two words"])
def test_a_type_of_1_to_64_printable_characters_is_taken(type: str) -> None:
    assert log.append("lab.a", type, None).type == type


@pytest.mark.parametrize("type", ["", "t" * 65, "line\nbreak", "\x00", "\u2028", LONE_SURROGATE])
def test_any_other_type_is_refused(type: str) -> None:
    with pytest.raises(EventRejected, match="event type"):
        log.append("lab.a", type, None)


@pytest.mark.parametrize("key", ["", "k" * 201, "line\nbreak", "\x00", LONE_SURROGATE])
def test_a_key_that_is_not_1_to_200_printable_characters_is_refused(key: str) -> None:
    with pytest.raises(EventRejected, match="event key"):
        log.append("lab.a", "test.happened", None, key=key)


def test_a_key_and_a_subject_at_their_limits_are_taken() -> None:
    event = log.append("lab.a", "test.happened", None, key="键" * 200, subject="题" * 100)
    assert event.subject == "题" * 100


@pytest.mark.parametrize("subject", ["s" * 101, "line\nbreak", "\x00", LONE_SURROGATE])
def test_a_subject_that_is_not_up_to_100_printable_characters_is_refused(subject: str) -> None:
    with pytest.raises(EventRejected, match="event subject"):
        log.append("lab.a", "test.happened", None, subject=subject)


def test_a_recall_must_say_of_what() -> None:
    with pytest.raises(EventRejected, match="without a subject"):
        log.append("lab.a", "test.recalled", None, blank_earlier=True)


@pytest.mark.parametrize("topic", ["a", "0", "a" * 99, "chat.lobby", "a_b-c.d", "user.7"])
def test_a_topic_of_the_alphabet_is_taken(topic: str) -> None:
    assert log.append(topic, "test.happened", None).topic == topic


@pytest.mark.parametrize(
    "topic", ["", "a" * 100, ".a", "-a", "_a", "A", "a b", "a/b", "a\n", "a~b", "a:1", "a,b", "ä", "٣", LONE_SURROGATE]
)
def test_any_other_topic_is_refused(topic: str) -> None:
    with pytest.raises(TopicNameError, match=re.escape("expected 1 to 99 of a-z, 0-9")):
        log.append(topic, "test.happened", None)


def test_a_refusal_can_be_shown_whatever_arrived() -> None:
    for refused in (
        lambda: log.append(LONE_SURROGATE * 500, "test.happened", None),
        lambda: log.append("lab.a", LONE_SURROGATE * 500, None),
        lambda: log.append("lab.a", "test.happened", {"who": User()}),
    ):
        with pytest.raises(ValueError) as caught:  # noqa: PT011  (each of the log's errors is one)
            refused()
        assert len(str(caught.value).encode()) < 1_500
