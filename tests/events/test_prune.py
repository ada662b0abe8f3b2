"""Prune: by age and count, the oldest first, in chunks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.events import log
from apps.events.cursor import START
from apps.events.log import NewEvent
from apps.events.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def retention(settings):
    """Set the rules: `retention(("lab.*", age_s, count), …)`."""

    def set_rules(*rules: tuple[str, float, int]) -> None:
        settings.EVENTS_RETENTION = [
            {"topics": topics, "age_s": age_s, "count": count} for topics, age_s, count in rules
        ]

    return set_rules


def append(topic: str, count: int, age_s: float = 0) -> None:
    events = log.append_many([NewEvent(topic, "test.happened", i) for i in range(count)])
    time = timezone.now() - timedelta(seconds=age_s)
    Event.objects.filter(topic_id=topic, seq__gte=events[0].seq).update(time=time)


def kept(topic: str) -> list[int]:
    """Return the seqs that a reader gets from the start, and check that the table holds just those."""
    seqs = [event.seq for event in log.read([topic], START, 500).events]
    assert seqs == sorted(Event.objects.filter(topic_id=topic).values_list("seq", flat=True))
    return seqs


def test_beyond_the_count_the_oldest_go(retention) -> None:
    retention(("*", 3600, 3))
    append("lab.a", 5)
    assert log.prune() == 2
    assert kept("lab.a") == [3, 4, 5]
    assert log.bounds(["lab.a"]).low_waters == {"lab.a": 2}


def test_beyond_the_age_the_oldest_go(retention) -> None:
    retention(("*", 3600, 100))
    append("lab.a", 2, age_s=4000)
    append("lab.a", 2, age_s=3000)
    assert log.prune() == 2
    assert kept("lab.a") == [3, 4]
    assert log.prune(now=timezone.now() + timedelta(seconds=1000)) == 2
    assert kept("lab.a") == []


def test_an_event_goes_as_soon_as_either_rule_says_so(retention) -> None:
    retention(("*", 3600, 1))
    append("lab.a", 2, age_s=4000)
    append("lab.a", 2)
    assert log.prune() == 3
    retention(("*", 3600, 3))
    append("lab.b", 3, age_s=4000)
    append("lab.b", 1)
    assert log.prune() == 3


def test_the_first_rule_that_fits_a_topic_counts(retention) -> None:
    retention(("chat.lobby", 3600, 1), ("chat.*", 3600, 2), ("*", 3600, 3))
    for topic in ("chat.lobby", "chat.side", "lab.a"):
        append(topic, 5)
    log.prune()
    assert [len(kept(topic)) for topic in ("chat.lobby", "chat.side", "lab.a")] == [1, 2, 3]


def test_a_topic_that_no_rule_fits_is_kept(retention) -> None:
    retention(("chat.*", 3600, 1))
    append("lab.a", 5)
    append("chat.lobby", 5)
    assert log.prune() == 4
    assert kept("lab.a") == [1, 2, 3, 4, 5]


def test_the_head_stays_when_all_events_go(retention) -> None:
    retention(("*", 3600, 0))
    append("lab.a", 3)
    assert log.prune() == 3
    assert log.append("lab.a", "test.happened", None).seq == 4


def test_where_clocks_disagree_what_goes_is_still_the_beginning(retention) -> None:
    retention(("*", 3600, 100))
    for age_s in (4000, 0, 4000, 0):
        append("lab.a", 1, age_s)
    assert log.prune() == 1
    assert kept("lab.a") == [2, 3, 4]


def test_nothing_to_prune_writes_nothing(retention, django_assert_num_queries) -> None:
    retention(("*", 3600, 3))
    append("lab.a", 5)
    log.prune()
    with django_assert_num_queries(2):
        assert log.prune() == 0


def test_low_water_rises_with_each_chunk_and_no_chunk_is_larger_than_its_size(retention, monkeypatch) -> None:
    retention(("*", 3600, 1))
    append("lab.a", 8)
    monkeypatch.setattr(log, "_PRUNE_CHUNK", 3)
    states = []

    def before_each_lock(topic):
        states.append((log.bounds([topic]).low_waters["lab.a"], kept("lab.a")[0]))
        return lock(topic)

    lock = log._lock
    monkeypatch.setattr(log, "_lock", before_each_lock)
    assert log.prune() == 7
    assert states == [(0, 1), (3, 4), (6, 7)]
    assert kept("lab.a") == [8]


def test_a_second_pruner_that_went_further_is_not_undone(retention, monkeypatch) -> None:
    retention(("*", 3600, 3))
    append("lab.a", 5)
    lock = log._lock

    def let_another_go_first(topic):
        monkeypatch.setattr(log, "_lock", lock)
        retention(("*", 3600, 1))
        assert log.prune() == 4
        return lock(topic)

    monkeypatch.setattr(log, "_lock", let_another_go_first)
    assert log.prune() == 0
    assert log.bounds(["lab.a"]).low_waters == {"lab.a": 4}
    assert kept("lab.a") == [5]


def test_a_topic_that_is_cleared_goes_on_with_the_next_seq_and_resets_who_is_behind() -> None:
    append("lab.a", 3)
    append("lab.b", 1)
    behind = log.read(["lab.a"], START, 1).cursor
    assert log.clear("lab.a") == 3
    assert (kept("lab.a"), kept("lab.b")) == ([], [1])
    assert log.append("lab.a", "test.happened", None).seq == 4
    reset = log.read(["lab.a"], behind).reset
    assert reset is not None
    assert (reset.reason, reset.cursor.positions) == ("trimmed", {"lab.a": 3})


def test_a_topic_that_has_nothing_is_cleared_without_a_word() -> None:
    assert log.clear("lab.nothing") == 0
    assert not log.bounds(["lab.nothing"]).heads["lab.nothing"]
