"""The window: the recent events of a topic in memory, within its bounds."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.events import window as window_module
from apps.events.logged_event import BLANK, LoggedEvent
from apps.events.window import Window


def events(first: int, last: int, data_json: str = '"x"', subject: str = "") -> list[LoggedEvent]:
    time = datetime(2026, 11, 22, 8, tzinfo=UTC)
    return [LoggedEvent("lab.a", seq, "test.happened", time, data_json, subject) for seq in range(first, last + 1)]


def recall(seq: int, subject: str) -> LoggedEvent:
    time = datetime(2026, 11, 22, 8, tzinfo=UTC)
    return LoggedEvent("lab.a", seq, "test.recalled", time, "{}", subject, blanks_earlier=True)


def window_at(head: int) -> Window:
    window = Window("lab.a")
    window.restart(head)
    return window


def seqs(window: Window) -> list[int]:
    return [event.seq for event in window.after(window.base, 10_000)]


def test_a_window_that_is_not_loaded_covers_nobody() -> None:
    assert not Window("lab.a").covers(0)


def test_a_window_covers_the_positions_from_its_base_to_its_head() -> None:
    window = window_at(5)
    window.extend(events(6, 8))
    assert [position for position in range(12) if window.covers(position)] == [5, 6, 7, 8]


def test_what_follows_a_position_is_cut_to_the_limit() -> None:
    window = window_at(5)
    window.extend(events(6, 9))
    assert [event.seq for event in window.after(6, 2)] == [7, 8]


def test_beyond_its_count_a_window_drops_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "MAX_EVENTS", 3)
    window = window_at(0)
    window.extend(events(1, 5))
    assert seqs(window) == [3, 4, 5]
    assert not window.covers(1)


@pytest.mark.parametrize("data_json", ['"12345678"', '"通知通知"'], ids=["ascii", "chinese"])
def test_beyond_its_size_a_window_drops_the_oldest(data_json: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = events(1, 5, data_json)
    monkeypatch.setattr(window_module, "MAX_BYTES", sum(len(event.json) for event in run[2:]))
    window = window_at(0)
    window.extend(run)
    assert seqs(window) == [3, 4, 5]


def test_an_event_larger_than_the_whole_window_passes_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "MAX_BYTES", 5)
    window = window_at(0)
    window.extend(events(1, 1, '"12345678"'))
    assert seqs(window) == []
    assert window.head == window.base == 1


def test_recalls_free_their_room_so_that_the_window_stays_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '"' + "x" * 1_000 + '"'
    monkeypatch.setattr(window_module, "MAX_BYTES", 10_000)
    window = window_at(0)
    for seq in range(1, 41, 2):
        window.extend(events(seq, seq, text, subject=f"note:{seq}"))
        window.extend([recall(seq + 1, f"note:{seq}")])
    assert window.head == 40
    assert len(seqs(window)) == 40


def test_a_recall_blanks_the_earlier_events_of_its_subject_only() -> None:
    window = window_at(0)
    window.extend([*events(1, 2, subject="note:1"), *events(3, 3, subject="note:2"), *events(4, 4)])
    window.extend([recall(5, "note:1"), *events(6, 6, subject="note:1")])
    assert [event.data_json for event in window.after(0, 10)] == [BLANK, BLANK, '"x"', '"x"', "{}", '"x"']


def test_a_recall_in_the_same_run_blanks_what_came_before_it() -> None:
    window = window_at(0)
    window.extend([*events(1, 1, subject="note:1"), recall(2, "note:1")])
    assert window.after(0, 1)[0].data_json == BLANK


def test_a_blanked_event_is_blank_on_the_wire_even_if_it_was_encoded_before() -> None:
    window = window_at(0)
    window.extend(events(1, 1, '"secret"', subject="note:1"))
    assert b"secret" in window.after(0, 1)[0].json
    window.extend([recall(2, "note:1")])
    assert b"secret" not in window.after(0, 1)[0].json


def test_the_past_is_put_before_the_base() -> None:
    window = window_at(5)
    window.extend(events(6, 6))
    window.prepend(events(3, 5))
    assert seqs(window) == [3, 4, 5, 6]


@pytest.mark.parametrize(("first", "last"), [(3, 4), (4, 6), (7, 8)])
def test_a_past_that_does_not_lead_up_to_the_base_is_ignored(first: int, last: int) -> None:
    window = window_at(5)
    window.prepend(events(first, last))
    assert seqs(window) == []
    assert window.base == 5


def test_a_past_with_a_hole_is_ignored() -> None:
    window = window_at(5)
    window.prepend([*events(2, 2), *events(4, 5)])
    assert window.base == 5


def test_a_past_read_before_a_recall_came_does_not_bring_back_what_it_took_back() -> None:
    window = window_at(2)
    window.extend([recall(3, "note:1")])
    window.prepend(events(1, 2, '"secret"', subject="note:1"))
    assert [event.data_json for event in window.after(0, 10)] == [BLANK, BLANK, "{}"]


def test_a_restart_empties_the_window_and_wakes_its_waiters() -> None:
    window = window_at(0)
    window.extend(events(1, 3))
    woken: list[str] = []
    window.waiters.add(lambda: woken.append("once"))
    window.restart(9)
    assert woken == ["once"]
    assert (window.base, window.head) == (9, 9)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["extend", "prepend", "recall"]),
            st.integers(1, 5),
            st.sampled_from(["note:1", "note:2"]),
            st.integers(0, 40),
        ),
        max_size=40,
    )
)
def test_a_window_is_always_the_end_of_its_topic_within_its_bounds(steps: list[tuple[str, int, str, int]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(window_module, "MAX_EVENTS", 12)
        monkeypatch.setattr(window_module, "MAX_BYTES", 1_000)
        topic = events(1, 8)  # what was in the log before the window began
        window = window_at(8)
        for step, count, subject, size in steps:
            head = len(topic)
            if step == "prepend":
                window.prepend(topic[max(0, window.base - count) : window.base])
            else:
                data_json = '"' + "x" * size + '"'
                new = (
                    [recall(head + 1, subject)]
                    if step == "recall"
                    else events(head + 1, head + count, data_json, subject)
                )
                if step == "recall":
                    topic = [event.blanked() if event.subject == subject else event for event in topic]
                topic += new
                window.extend(new)
            kept = window.after(window.base, 10_000)
            assert kept == topic[window.base :]
            assert len(kept) <= 12
            assert sum(len(event.json) for event in kept) <= 1_000
