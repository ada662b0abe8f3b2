"""Who waits for whom, as data: each transport over the same half minute, with the same four events.

A timeline is drawn as a railway draws its timetable: time runs to the right, the browser is the upper rail, the
server the lower, and everything that travels between them is a slanted line. The templates only place lines; all
times are decided here.
"""

from dataclasses import dataclass
from typing import Literal

SPAN_S = 30.0
TRAVEL_S = 0.8  # drawn much slower than a real network, or the slant would not show
EVENTS_S = (4.0, 13.5, 15.8, 24.5)

Kind = Literal["request", "empty", "event", "talk"]
_SCALE = 10  # drawing units per second
_BROWSER_Y, _SERVER_Y = 6, 34


@dataclass(frozen=True, slots=True)
class Trip:
    """Something that travels: an `event` or `empty` answer goes down from server to browser, the others go up."""

    kind: Kind
    start_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + TRAVEL_S

    @property
    def x1(self) -> float:
        return round(self.start_s * _SCALE, 1)

    @property
    def x2(self) -> float:
        return round(self.end_s * _SCALE, 1)

    @property
    def y1(self) -> int:
        return _BROWSER_Y if self.kind in ("request", "talk") else _SERVER_Y

    @property
    def y2(self) -> int:
        return _SERVER_Y if self.kind in ("request", "talk") else _BROWSER_Y


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, from and to in seconds."""

    start_s: float
    end_s: float

    @property
    def x(self) -> float:
        return round(self.start_s * _SCALE, 1)

    @property
    def width(self) -> float:
        return round((self.end_s - self.start_s) * _SCALE, 1)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happens between one browser and the server.

    Args:
        trips: requests and answers, in order of departure.
        held: when a request or connection is open at the server.
        late: for each event that has to wait for its reader, from when to when.
    """

    trips: tuple[Trip, ...]
    held: tuple[Span, ...] = ()
    late: tuple[Span, ...] = ()


def _short_poll() -> Timeline:
    trips, late, told = [], [], 0
    for ask_s in (2.0, 7.0, 12.0, 17.0, 22.0, 27.0):
        trips.append(Trip("request", ask_s))
        heard_s = ask_s + TRAVEL_S
        ready = [event_s for event_s in EVENTS_S if event_s <= heard_s][told:]
        told += len(ready)
        late += [Span(event_s, heard_s) for event_s in ready]
        trips.append(Trip("event" if ready else "empty", heard_s))
    return Timeline(tuple(trips), late=tuple(late))


def _long_poll() -> Timeline:
    trips, held = [], []
    ask_s = 1.0
    for event_s in EVENTS_S:
        trips += [Trip("request", ask_s), Trip("event", event_s)]
        held.append(Span(ask_s + TRAVEL_S, event_s))
        ask_s = event_s + TRAVEL_S
    trips.append(Trip("request", ask_s))
    held.append(Span(ask_s + TRAVEL_S, SPAN_S))
    return Timeline(tuple(trips), tuple(held))


def _stream(talk_s: tuple[float, ...] = (), end_s: float = SPAN_S) -> Timeline:
    """One request, then an open connection; `talk_s` is when the browser speaks on it."""
    trips = [Trip("request", 1.0), Trip("empty", 1.0 + TRAVEL_S)]
    trips += [Trip("event", event_s) for event_s in EVENTS_S if event_s < end_s]
    trips += [Trip("talk", start_s) for start_s in talk_s]
    return Timeline(tuple(sorted(trips, key=lambda trip: trip.start_s)), (Span(1.0 + TRAVEL_S, end_s),))


TIMELINES = {
    "short_poll": _short_poll(),
    "long_poll": _long_poll(),
    "sse": _stream(),
    # The reader has had enough: it hangs up before the last event.
    "fetch_stream": _stream(talk_s=(21.0 - TRAVEL_S,), end_s=21.0),
    "websocket": _stream(talk_s=(6.5, 10.2, 19.0, 21.4, 27.6)),
}

EVENT_XS = tuple(event_s * _SCALE for event_s in EVENTS_S)
