"""The cursor's text: what goes out comes back, and nothing else is taken for one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.events import cursor
from apps.events.cursor import MAX_SEQ, MAX_TOPICS, NOW, START, Cursor, CursorError

topics = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,98}", fullmatch=True)
seqs = st.integers(0, MAX_SEQ)
cursors = st.builds(
    Cursor, st.from_regex(r"[a-z0-9]{1,32}", fullmatch=True), st.dictionaries(topics, seqs, max_size=MAX_TOPICS)
)
# Texts that look like cursors, so that what is wrong with them is small.
near_cursors = st.text("abz019~:,.-_ \n\r\0A%٣é\ud800", max_size=60)


@given(cursors)
def test_a_cursor_that_was_written_is_read_back_the_same(written: Cursor) -> None:
    assert cursor.parse(written.text) == written
    assert str(written) == written.text


@given(cursors)
def test_the_topics_of_a_cursor_are_written_in_order(written: Cursor) -> None:
    reordered = Cursor(written.epoch, dict(reversed(written.positions.items())))
    assert reordered.text == written.text
    names = [part.rpartition(":")[0] for part in written.text.partition("~")[2].split(",")]
    assert names == sorted(names)


@given(cursors)
def test_the_text_of_a_cursor_needs_no_escaping_in_a_header_or_an_sse_id(written: Cursor) -> None:
    assert written.text.isascii()
    assert written.text.isprintable()
    assert " " not in written.text


@given(st.one_of(st.text(), near_cursors, near_cursors.map("k3f9~lab.a:".__add__)))
@example("")
@example("~")
@example("k3f9")
@example("K3F9~lab.a:1")
@example("k3f9~lab.a:1,")
@example("k3f9~,lab.a:1")
@example("k3f9~lab.a")
@example("k3f9~lab.a:")
@example("k3f9~lab.a:-1")
@example("k3f9~lab.a:+1")
@example("k3f9~lab.a:01")
@example("k3f9~lab.a: 1")
@example("k3f9~lab.a:1\n")
@example("k3f9~lab.a:٣")
@example("k3f9~lab.a:1e3")
@example("k3f9~lab.a:1,lab.a:1")
@example("k3f9~lab.a:1~lab.b:2")
@example(f"k3f9~lab.a:{MAX_SEQ + 1}")
@example("k3f9~lab.a:" + "9" * 5_000)
@example("Start")
@example("now ")
def test_whatever_arrives_is_a_cursor_or_an_error_in_words(text: str) -> None:
    try:
        parsed = cursor.parse(text)
    except CursorError as error:
        assert len(str(error).encode()) < 1_000
        assert error.hint
    else:
        assert cursor.parse(parsed.text if isinstance(parsed, Cursor) else parsed.value) == parsed


@pytest.mark.parametrize("text", ["k3f9~" + "x" * 5_000, "\ud800", "k3f9~lab.a:1\0", "k3f9~lab.a:1,lab.a:2"])
def test_an_error_shows_what_arrived_in_one_short_line(text: str) -> None:
    with pytest.raises(CursorError) as caught:
        cursor.parse(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_the_places_that_have_names_are_read() -> None:
    assert cursor.parse("start") is START
    assert cursor.parse("now") is NOW


def test_a_cursor_has_room_for_20_of_the_longest_topics_and_no_more() -> None:
    longest = {f"{number:02}".ljust(99, "x"): MAX_SEQ for number in range(MAX_TOPICS + 1)}
    with pytest.raises(CursorError):
        cursor.parse(Cursor("e" * 32, longest).text)
    longest.popitem()
    assert cursor.parse(Cursor("e" * 32, longest).text).positions == longest


@given(cursors, st.lists(topics))
def test_a_cursor_cut_to_some_topics_has_those_at_the_same_seq(whole: Cursor, wanted: list[str]) -> None:
    wanted += list(whole.positions)[::2]
    cut = whole.only(wanted)
    assert cut.epoch == whole.epoch
    assert cut.positions == {topic: seq for topic, seq in whole.positions.items() if topic in wanted}
