"""Read: what follows a place, without waiting."""

import pytest

from apps.events import log
from apps.events.batch import MAX_LIMIT
from apps.events.cursor import NOW, START, Cursor, Last
from apps.events.log import NewEvent

pytestmark = pytest.mark.django_db


def append(topic: str, count: int) -> None:
    log.append_many([NewEvent(topic, "test.happened", i) for i in range(count)])


def places(batch) -> list[tuple[str, int]]:
    return [(event.topic, event.seq) for event in batch.events]


def walk(topics: list[str], limit: int) -> list[tuple[str, int]]:
    """Read from the start, batch by batch, until there is no more."""
    seen, after = [], START
    while True:
        batch = log.read(topics, after, limit)
        assert len(batch.events) <= limit
        seen += places(batch)
        if not batch.more:
            return seen
        after = batch.cursor


def test_what_follows_a_cursor_is_read_and_the_new_cursor_is_that_of_the_last_event() -> None:
    append("lab.a", 5)
    epoch = log.bounds([]).epoch
    batch = log.read(["lab.a"], Cursor(epoch, {"lab.a": 3}))
    assert places(batch) == [("lab.a", 4), ("lab.a", 5)]
    assert batch.cursor.text == f"{epoch}~lab.a:5"
    assert (batch.reset, batch.more) == (None, False)


def test_at_the_head_there_is_nothing_and_the_cursor_stays() -> None:
    append("lab.a", 2)
    batch = log.read(["lab.a"], NOW)
    assert (batch.events, batch.more, batch.cursor.positions) == ((), False, {"lab.a": 2})


def test_topics_that_have_no_events_yet_are_empty_and_in_the_cursor() -> None:
    batch = log.read(["lab.a", "lab.b"], START)
    assert (batch.events, batch.cursor.positions) == ((), {"lab.a": 0, "lab.b": 0})


def test_the_first_event_of_a_topic_follows_a_cursor_from_before_the_topic() -> None:
    before = log.read(["lab.a"], NOW).cursor
    append("lab.a", 1)
    assert places(log.read(["lab.a"], before)) == [("lab.a", 1)]


def test_a_topic_that_the_cursor_lacks_starts_at_the_head_and_one_that_was_not_asked_for_is_ignored() -> None:
    append("lab.a", 2)
    append("lab.b", 2)
    epoch = log.bounds([]).epoch
    batch = log.read(["lab.a", "lab.b"], Cursor(epoch, {"lab.b": 1, "lab.gone": 7}))
    assert places(batch) == [("lab.b", 2)]
    assert batch.cursor.positions == {"lab.a": 2, "lab.b": 2}


@pytest.mark.parametrize(("count", "seqs"), [(0, []), (2, [4, 5]), (9, [1, 2, 3, 4, 5])])
def test_the_last_n_events_of_each_topic_are_read(count: int, seqs: list[int]) -> None:
    append("lab.a", 5)
    append("lab.b", 5)
    batch = log.read(["lab.a", "lab.b"], Last(count))
    for topic in ("lab.a", "lab.b"):
        assert [event.seq for event in batch.events if event.topic == topic] == seqs


def test_a_batch_is_cut_at_its_limit_and_says_that_there_is_more() -> None:
    append("lab.a", 5)
    batch = log.read(["lab.a"], START, 3)
    assert (places(batch), batch.more) == ([("lab.a", 1), ("lab.a", 2), ("lab.a", 3)], True)
    batch = log.read(["lab.a"], batch.cursor, 2)
    assert (places(batch), batch.more) == ([("lab.a", 4), ("lab.a", 5)], False)


@pytest.mark.parametrize(("limit", "count"), [(-1, 1), (0, 1), (10_000, MAX_LIMIT)])
def test_a_limit_out_of_range_is_brought_within(limit: int, count: int) -> None:
    append("lab.a", MAX_LIMIT + 1)
    assert len(log.read(["lab.a"], START, limit).events) == count


def test_a_quiet_topic_does_not_starve_behind_a_busy_one() -> None:
    append("lab.busy", 300)
    append("lab.quiet", 1)
    assert ("lab.quiet", 1) in places(log.read(["lab.busy", "lab.quiet"], START, 10))


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 500])
def test_batch_by_batch_every_event_comes_once_and_in_order_whatever_the_limit(limit: int) -> None:
    counts = {"lab.a": 9, "lab.b": 1, "lab.c": 4}
    for topic, count in counts.items():
        append(topic, count)
    seen = walk([*counts, "lab.empty"], limit)
    for topic, count in counts.items():
        assert [seq for t, seq in seen if t == topic] == list(range(1, count + 1))


def test_an_event_that_commits_between_the_two_queries_of_a_read_may_come_but_is_never_skipped(monkeypatch) -> None:
    append("lab.a", 1)
    read_new = log.read_new

    def append_first(*args):
        monkeypatch.undo()
        append("lab.a", 1)
        append("lab.b", 1)
        return read_new(*args)

    monkeypatch.setattr(log, "read_new", append_first)
    first = log.read(["lab.a", "lab.b"], START)
    second = log.read(["lab.a", "lab.b"], first.cursor)
    assert sorted(places(first) + places(second)) == [("lab.a", 1), ("lab.a", 2), ("lab.b", 1)]
