"""The drawings tell the truth: each event arrives once, never before it happened."""

import pytest

from apps.demos.explained import TRANSPORTS
from apps.demos.timelines import EVENTS_S, SPAN_S, TIMELINES, TRAVEL_S


def test_every_transport_has_a_drawing() -> None:
    assert list(TIMELINES) == [transport.name for transport in TRANSPORTS]


@pytest.mark.parametrize("name", TIMELINES)
def test_everything_happens_within_the_half_minute(name: str) -> None:
    timeline = TIMELINES[name]
    assert all(0 <= trip.start_s < trip.end_s <= SPAN_S for trip in timeline.trips)
    assert all(0 <= span.start_s < span.end_s <= SPAN_S for span in (*timeline.held, *timeline.late))


@pytest.mark.parametrize("name", ["long_poll", "sse", "websocket"])
def test_held_lines_bring_each_event_the_moment_it_happens(name: str) -> None:
    assert tuple(trip.start_s for trip in TIMELINES[name].trips if trip.kind == "event") == EVENTS_S


def test_short_poll_makes_each_event_wait_for_the_next_poll() -> None:
    timeline = TIMELINES["short_poll"]
    answers_s = [trip.start_s for trip in timeline.trips if trip.kind in ("event", "empty")]
    assert [span.start_s for span in timeline.late] == list(EVENTS_S)
    assert [span.end_s for span in timeline.late] == [min(t for t in answers_s if t >= e) for e in EVENTS_S]


def test_long_poll_holds_each_request_from_its_arrival_to_its_answer() -> None:
    timeline = TIMELINES["long_poll"]
    arrivals_s = [trip.start_s + TRAVEL_S for trip in timeline.trips if trip.kind == "request"]
    assert [span.start_s for span in timeline.held] == arrivals_s
    assert [span.end_s for span in timeline.held] == [*EVENTS_S, SPAN_S]
