"""Bounds: epoch, heads and low waters of one instant."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.events import log
from apps.events.batch import Reset
from apps.events.bounds import Bounds
from apps.events.cursor import NOW, START, Cursor, Last

TRIMMED = Bounds("e1", {"lab.a": 9, "lab.b": 4}, {"lab.a": 5, "lab.b": 0})


def at(a: int, b: int, epoch: str = "e1") -> Cursor:
    return Cursor(epoch, {"lab.a": a, "lab.b": b})


@pytest.mark.django_db
def test_a_topic_without_events_has_head_and_low_water_0() -> None:
    log.append("lab.a", "test.happened", None)
    bounds = log.bounds(["lab.a", "lab.empty"])
    assert bounds.heads == {"lab.a": 1, "lab.empty": 0}
    assert bounds.low_waters == {"lab.a": 0, "lab.empty": 0}


@pytest.mark.django_db
def test_the_epoch_is_made_once_and_stays_until_it_is_changed() -> None:
    epoch = log.bounds([]).epoch
    log.append("lab.a", "test.happened", None)
    assert log.bounds(["lab.a"]).epoch == epoch
    changed = log.change_epoch()
    assert changed != epoch
    assert log.bounds(["lab.a"]).epoch == changed


@pytest.mark.django_db
def test_bounds_are_read_in_one_query_so_that_they_are_of_one_instant() -> None:
    log.append("lab.a", "test.happened", None)
    log.bounds(["lab.a"])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        log.bounds(["lab.a", "lab.b"])
    assert len(queries) == 1


@pytest.mark.django_db
def test_the_cursor_of_a_snapshot_is_at_the_head_of_every_topic() -> None:
    log.append("lab.a", "test.happened", None)
    bounds = log.bounds(["lab.b", "lab.a"])
    assert bounds.cursor.text == f"{bounds.epoch}~lab.a:1,lab.b:0"


@pytest.mark.parametrize(
    ("place", "resolved"),
    [
        (START, at(5, 0)),
        (NOW, at(9, 4)),
        (Last(0), at(9, 4)),
        (Last(2), at(7, 2)),
        (Last(100), at(5, 0)),
        (at(6, 1), at(6, 1)),
        (at(99, 1), at(99, 1)),
        (Cursor("e1", {"lab.b": 1}), at(9, 1)),
        (Cursor("e1", {"lab.b": 1, "lab.z": 7}), at(9, 1)),
        (Cursor("e0", {"lab.z": 7}), at(9, 4)),
        (Cursor("e0", {"lab.b": 1, "lab.z": 7}), Cursor("e0", {"lab.b": 1})),
    ],
)
def test_a_starting_place_becomes_numbers(place, resolved: Cursor) -> None:
    assert TRIMMED.resolve(["lab.a", "lab.b"], place) == resolved


@pytest.mark.parametrize(
    ("after", "reason", "topics", "again"),
    [
        pytest.param(at(5, 0), None, (), at(5, 0), id="at low water"),
        pytest.param(at(9, 4), None, (), at(9, 4), id="at the head"),
        pytest.param(at(4, 2), "trimmed", ("lab.a",), at(5, 2), id="below low water"),
        pytest.param(at(10, 2), "ahead", ("lab.a",), at(5, 2), id="ahead"),
        pytest.param(at(10, 5), "ahead", ("lab.a", "lab.b"), at(5, 0), id="both ahead"),
        pytest.param(at(4, 5), "ahead", ("lab.b",), at(4, 0), id="one ahead before one trimmed"),
        pytest.param(at(9, 4, "e0"), "epoch", ("lab.a", "lab.b"), at(5, 0), id="another epoch"),
        pytest.param(Cursor("e0", {"lab.b": 99}), "epoch", ("lab.b",), at(9, 0), id="another epoch, one topic new"),
    ],
)
def test_a_cursor_that_cannot_be_continued_is_reset_for_the_topics_concerned(after, reason, topics, again) -> None:
    cursor, reset = TRIMMED.settle(["lab.a", "lab.b"], after)
    assert cursor == again
    assert reset == (reason and Reset(reason, topics, again))


@pytest.mark.parametrize("after", [at(10, 2), at(4, 2)])
def test_a_reader_that_asked_for_the_last_events_gets_those_after_a_reset(after: Cursor) -> None:
    cursor, _ = TRIMMED.settle(["lab.a", "lab.b"], after, last=3)
    assert cursor == at(6, 2)
