"""The bars: which figure, of whom, against whom, and how good it has to be."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.benchmark.results import Results, Spread


@dataclass(frozen=True)
class Figure:
    """Where a value stands in the results."""

    scenario: str
    peer: str
    load: str
    figure: str

    def by_round(self, results: Results) -> dict[int, float]:
        return results.by_round(self.scenario, self.peer, self.load, self.figure)

    def spread(self, results: Results) -> Spread | None:
        return results.spread(self.scenario, self.peer, self.load, self.figure)


@dataclass(frozen=True)
class Bar:
    """A figure, or the ratio of two that were measured in the same round, and how good it has to be.

    Args:
        divided_by: the other one; None: `figure` counts as it is.
        bar, hope: good enough, and what would be better; inclusive.
        at_least: whether more is better.
    """

    words: str | Promise
    figure: Figure
    divided_by: Figure | None
    bar: float
    hope: float
    at_least: bool = False

    def spread(self, results: Results) -> Spread | None:
        """Return what the rounds found; None where it was not measured."""
        found = self.figure.by_round(results)
        if self.divided_by is None:
            return Spread.of(found.values())
        other = self.divided_by.by_round(results)
        return Spread.of(value / other[number] for number, value in found.items() if other.get(number))

    def is_kept(self, spread: Spread) -> bool:
        """Return whether the median is good enough."""
        return spread.median >= self.bar if self.at_least else spread.median <= self.bar

    @property
    def sign(self) -> str:
        return "≥" if self.at_least else "≤"


def _against(
    words: str | Promise,
    scenario: str,
    load: str,
    figure: str,
    ours: str,
    theirs: str,
    bar: float,
    hope: float,
    at_least: bool = False,
) -> Bar:
    """Return the bar of a ratio, ours ÷ theirs, both in the same scenario under the same load."""
    return Bar(words, Figure(scenario, ours, load, figure), Figure(scenario, theirs, load, figure), bar, hope, at_least)


_CPU = "cpu_us_per_delivery"

BARS = (
    _against(
        _("CPU per WebSocket delivery ÷ Node ws, paced"), "websocket-1000", "paced", _CPU, "site", "node-ws", 0.80, 0.65
    ),
    _against(
        _("CPU per WebSocket delivery ÷ Node ws, burst"), "websocket-1000", "burst", _CPU, "site", "node-ws", 0.80, 0.65
    ),
    _against(
        _("CPU per SSE delivery ÷ Node express, paced"), "sse-1000", "paced", _CPU, "site", "node-express", 0.75, 0.60
    ),
    _against(
        _("CPU per SSE delivery ÷ Node express, burst"), "sse-1000", "burst", _CPU, "site", "node-express", 0.75, 0.60
    ),
    _against(
        _("5,000 clients: CPU per WebSocket delivery ÷ Node ws, paced"),
        "websocket-5000",
        "paced",
        _CPU,
        "site",
        "node-ws",
        0.90,
        0.80,
    ),
    _against(
        _("5,000 clients: CPU per WebSocket delivery ÷ Node ws, burst"),
        "websocket-5000",
        "burst",
        _CPU,
        "site",
        "node-ws",
        0.90,
        0.80,
    ),
    _against(
        _("100 events/s, coalesced: CPU per WebSocket delivery ÷ Node ws"),
        "websocket-1000",
        "steady",
        _CPU,
        "site",
        "node-ws",
        0.30,
        0.20,
    ),
    _against(
        _("100 events/s, coalesced: CPU per SSE delivery ÷ Node express"),
        "sse-1000",
        "steady",
        _CPU,
        "site",
        "node-express",
        0.30,
        0.20,
    ),
    _against(
        _("The usual Channels consumer with Redis ÷ ours with Redis, paced"),
        "websocket-1000",
        "paced",
        _CPU,
        "channels-redis",
        "site-redis",
        15,
        20,
        True,
    ),
    _against(
        _("The usual Channels consumer with Redis ÷ ours with Redis, burst"),
        "websocket-1000",
        "burst",
        _CPU,
        "channels-redis",
        "site-redis",
        15,
        20,
        True,
    ),
    _against(
        _("Paced p99 latency ÷ Node's, WebSocket"), "websocket-1000", "paced", "p99_ms", "site", "node-ws", 0.80, 0.60
    ),
    _against(_("Paced p99 latency ÷ Node's, SSE"), "sse-1000", "paced", "p99_ms", "site", "node-express", 0.80, 0.60),
    Bar(_("Threads at 2,000 SSE clients"), Figure("hold-sse-2000", "site", "hold", "threads"), None, 8, 2),
    Bar(
        _("Memory per WebSocket connection, KB"),
        Figure("hold-websocket-2000", "site", "hold", "kb_per_connection"),
        None,
        30,
        20,
    ),
    Bar(_("Memory per SSE connection, KB"), Figure("hold-sse-2000", "site", "hold", "kb_per_connection"), None, 30, 20),
    _against(
        _("CPU per WebSocket connect ÷ Node ws"),
        "hold-websocket-2000",
        "hold",
        "cpu_us_per_connect",
        "site-anonymous",
        "node-ws",
        3,
        2,
    ),
    _against(
        _("CPU per WebSocket connect, signed in (session and user read from the database) ÷ Node ws"),
        "hold-websocket-2000",
        "hold",
        "cpu_us_per_connect",
        "site-crowd",
        "node-ws",
        3,
        2,
    ),
    _against(
        _("Short poll that reads the log, requests/s ÷ Node express"),
        "short-poll",
        "closed loop",
        "requests_per_s",
        "site-anonymous",
        "node-express",
        0.25,
        0.35,
        True,
    ),
    _against(
        _("Short poll with nothing new (If-None-Match), requests/s ÷ Node express"),
        "short-poll-conditional",
        "closed loop",
        "requests_per_s",
        "site-anonymous",
        "node-express",
        0.25,
        0.35,
        True,
    ),
    _against(
        _("CPU per long-poll delivery ÷ Node express"),
        "long-poll-500",
        "paced",
        _CPU,
        "site-anonymous",
        "node-express",
        4,
        2,
    ),
    _against(
        _("CPU per long-poll delivery, signed in ÷ Node express"),
        "long-poll-500",
        "paced",
        _CPU,
        "site",
        "node-express",
        4,
        2,
    ),
    _against(
        _("16 publishers to one topic ÷ a bare INSERT, publishes/s"),
        "publish-16",
        "closed loop",
        "publishes_per_s",
        "log-append",
        "bare-insert",
        0.8,
        1,
        True,
    ),
    _against(
        _("Three processes on two cores ÷ one, deliveries/s"),
        "spread-3",
        "burst",
        "deliveries_per_s",
        "site-three",
        "site-one",
        1.5,
        1.8,
        True,
    ),
)
