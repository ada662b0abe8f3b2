"""Never a silent gap: a cursor that can't be continued gets a reset, with its reason."""

import pytest

from apps.events import log
from apps.events.batch import Batch
from apps.events.cursor import START, Cursor
from apps.events.log import NewEvent
from apps.events.models import Event, Topic

pytestmark = pytest.mark.django_db

TOPICS = ["lab.a", "lab.b"]


@pytest.fixture
def five_each() -> None:
    for topic in TOPICS:
        log.append_many([NewEvent(topic, "test.happened", i) for i in range(5)])


def at(a: int, b: int) -> Cursor:
    return Cursor(log.bounds([]).epoch, {"lab.a": a, "lab.b": b})


def keep(settings, count: int, topics: str = "*") -> None:
    settings.EVENTS_RETENTION = [
        {"topics": topics, "age_s": 3600, "count": count},
        {"topics": "*", "age_s": 3600, "count": 1_000},
    ]


def delete_by_hand(*seqs: int) -> None:
    Event.objects.filter(topic_id="lab.a", seq__in=seqs).delete()


def seqs(batch: Batch, topic: str) -> list[int]:
    return [event.seq for event in batch.events if event.topic == topic]


def read_on(after, topics: list[str] = TOPICS) -> tuple[list[int], list[str]]:
    """Read until there is no more; return the seqs of `lab.a`, and what was reset and why, in order."""
    seen: list[int] = []
    resets: list[str] = []
    for _ in range(20):
        batch = log.read(topics, after)
        seen += seqs(batch, "lab.a")
        if batch.reset:
            assert batch.events == ()
            assert batch.reset.cursor == batch.cursor
            resets.append(f"{batch.reset.reason} {' '.join(batch.reset.topics)}")
        after = batch.cursor
        if not batch.more:
            return seen, resets
    raise AssertionError(f"the reader never arrives: {seen=} {resets=}")


def test_a_cursor_of_another_epoch(five_each: None) -> None:
    before = at(4, 5)
    log.change_epoch()
    batch = log.read(TOPICS, before)
    assert (batch.reset.reason, batch.reset.topics, batch.cursor) == ("epoch", ("lab.a", "lab.b"), at(0, 0))
    assert (batch.events, batch.more) == ((), True)
    assert read_on(batch.cursor) == ([1, 2, 3, 4, 5], [])


def test_a_cursor_of_another_epoch_does_not_touch_a_topic_that_it_lacks(five_each: None) -> None:
    log.change_epoch()
    batch = log.read(TOPICS, Cursor("elsewhere", {"lab.a": 4}))
    assert (batch.reset.topics, batch.cursor) == (("lab.a",), at(0, 5))


def test_a_cursor_ahead_of_the_head(five_each: None) -> None:
    batch = log.read(TOPICS, at(6, 3))
    assert (batch.reset.reason, batch.reset.topics, batch.cursor) == ("ahead", ("lab.a",), at(0, 3))
    assert seqs(log.read(TOPICS, batch.cursor), "lab.b") == [4, 5]


def test_a_cursor_below_low_water(five_each: None, settings) -> None:
    keep(settings, 2, "lab.a")
    log.prune()
    batch = log.read(TOPICS, at(1, 3))
    assert (batch.reset.reason, batch.reset.topics, batch.cursor) == ("trimmed", ("lab.a",), at(3, 3))
    assert read_on(batch.cursor) == ([4, 5], [])


def test_a_cursor_at_low_water_lost_nothing(five_each: None, settings) -> None:
    keep(settings, 2)
    log.prune()
    assert read_on(at(3, 3)) == ([4, 5], [])


def test_a_topic_that_was_pruned_empty_still_resets(five_each: None, settings) -> None:
    keep(settings, 0)
    log.prune()
    batch = log.read(TOPICS, at(4, 5))
    assert (batch.reset.reason, batch.reset.topics, batch.cursor) == ("trimmed", ("lab.a",), at(5, 5))


def test_several_reasons_are_told_one_after_the_other(five_each: None, settings) -> None:
    keep(settings, 2)
    log.prune()
    assert read_on(at(1, 9)) == ([4, 5], ["ahead lab.b", "trimmed lab.a"])


def test_after_a_reset_the_last_n_if_asked(five_each: None) -> None:
    batch = log.read(TOPICS, at(9, 3), last=2)
    assert batch.cursor == at(3, 3)


def test_a_prune_between_the_two_queries_of_a_read_opens_no_hole(five_each: None, settings, monkeypatch) -> None:
    keep(settings, 2, "lab.a")
    read_new = log.read_new

    def prune_first(*args):
        monkeypatch.undo()
        assert log.prune() == 3
        return read_new(*args)

    monkeypatch.setattr(log, "read_new", prune_first)
    batch = log.read(TOPICS, at(1, 4))
    assert (batch.reset.reason, batch.reset.topics, batch.cursor) == ("trimmed", ("lab.a",), at(3, 4))


def test_a_prune_between_the_two_queries_that_takes_only_what_was_read_is_not_noticed(
    five_each: None, settings, monkeypatch
) -> None:
    keep(settings, 2)
    read_new = log.read_new

    def prune_first(*args):
        log.prune()
        return read_new(*args)

    monkeypatch.setattr(log, "read_new", prune_first)
    assert read_on(at(3, 3)) == ([4, 5], [])


@pytest.mark.parametrize(
    ("gone", "after", "seen"),
    [
        pytest.param([1, 2], 0, [3, 4, 5], id="the oldest"),
        pytest.param([3], 2, [4, 5], id="the next"),
        pytest.param([3], 0, [1, 2, 4, 5], id="one in the middle"),
        pytest.param([2, 4], 0, [1, 3, 5], id="every other"),
        pytest.param([5], 4, [], id="the newest"),
        pytest.param([1, 2, 3, 4, 5], 0, [], id="all"),
    ],
)
def test_rows_deleted_by_hand_are_told_and_the_reader_arrives(gone, after, seen, five_each: None) -> None:
    delete_by_hand(*gone)
    came, resets = read_on(at(after, 5))
    assert came == seen
    assert resets
    assert set(resets) == {"trimmed lab.a"}


def test_rows_deleted_by_hand_leave_other_topics_alone(five_each: None) -> None:
    delete_by_hand(3)
    batch = log.read(TOPICS, at(2, 2))
    assert (batch.reset.topics, batch.cursor) == (("lab.a",), at(3, 2))


def test_a_restored_backup_without_a_new_epoch_is_noticed_by_its_heads(five_each: None) -> None:
    before = at(5, 5)
    delete_by_hand(4, 5)
    Topic.objects.filter(name="lab.a").update(head=3)
    assert read_on(before) == ([1, 2, 3], ["ahead lab.a"])


def test_the_start_needs_no_reset_whatever_was_pruned(five_each: None, settings) -> None:
    keep(settings, 2)
    log.prune()
    assert read_on(START) == ([4, 5], [])
