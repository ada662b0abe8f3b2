"""An event on the wire: the same bytes on every door, on every database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.events import log
from apps.events.cursor import START
from apps.events.logged_event import LoggedEvent

TIME = datetime(2026, 11, 22, 8, 0, 0, 123_999, tzinfo=UTC)


def event(data_json: str = "1", time: datetime = TIME) -> LoggedEvent:
    return LoggedEvent("chat.lobby", 7, "chat.line", time, data_json, subject="secret", blanks_earlier=True)


def test_the_wire_form_has_five_members_in_their_order_and_no_spaces() -> None:
    assert event('{"text":"hi"}').json == (
        b'{"topic":"chat.lobby","seq":7,"type":"chat.line","time":"2026-11-22T08:00:00.123Z","data":{"text":"hi"}}'
    )


def test_a_whole_second_has_its_milliseconds_too() -> None:
    assert b'"time":"2026-11-22T08:00:00.000Z"' in event(time=TIME.replace(microsecond=0)).json


def test_time_is_in_utc_wherever_the_server_is() -> None:
    assert event(time=TIME.astimezone(timezone(timedelta(hours=8)))).json == event().json


def test_text_outside_ascii_goes_as_it_is_and_no_line_break_goes_raw() -> None:
    assert "通知\u2028".encode() in event('"通知\u2028"').json


@pytest.mark.parametrize("text", ["\r", "\n", "\r\n", "\x00", "\x0b", "\x1e"])
def test_what_could_end_a_line_of_a_stream_is_escaped(text: str, db: None) -> None:
    log.append("lab.a", "test.happened", {text: text})
    (logged,) = log.read(["lab.a"], START).events
    assert text.encode() not in logged.json
    assert logged.data == {text: text}


def test_an_event_is_encoded_once() -> None:
    once = event()
    assert once.json is once.json


def test_a_blanked_event_keeps_its_place_and_loses_its_data() -> None:
    blanked = event('"secret"').blanked()
    assert (blanked.topic, blanked.seq, blanked.type, blanked.time) == ("chat.lobby", 7, "chat.line", TIME)
    assert blanked.json.endswith(b'"data":null}')
