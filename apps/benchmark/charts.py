"""The charts of the page: bars with their spread, laid out in numbers so that the template only writes SVG."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.benchmark.bars import BARS, Bar
from apps.benchmark.results import Results, Spread
from apps.benchmark.table import number

# The scale of a chart, in units of its viewBox.
WIDTH = 1_000

LABELS: dict[str, str | Promise] = {
    "site": _("This site"),
    "site-redis": _("This site with PostgreSQL and Valkey"),
    "site-daphne": _("This site under stock daphne"),
    "site-uvicorn": _("This site under uvicorn"),
    "node-ws": _("Node with ws"),
    "node-express": _("Node with express"),
    "channels-redis": _("The usual Channels consumer, Redis"),
    "channels-memory": _("The usual Channels consumer, in memory"),
    "queue-sse": _("A Django view with a queue per client"),
}


@dataclass(frozen=True)
class Row:
    """One bar of a chart; positions are in units of the viewBox."""

    label: str | Promise
    text: str
    spread_text: str
    is_ours: bool
    median_x: float
    least_x: float
    most_x: float


@dataclass(frozen=True)
class Chart:
    """A figure of several peers under one load; less is better."""

    name: str
    title: str | Promise
    unit: str | Promise
    rows: list[Row]


@dataclass(frozen=True)
class Verdict:
    """A bar and what was measured."""

    bar: Bar
    spread: Spread
    is_kept: bool

    @property
    def median(self) -> str:
        return number(self.spread.median)

    @property
    def range(self) -> str:
        return f"{number(self.spread.least)} – {number(self.spread.most)}"

    @property
    def wanted(self) -> str:
        return f"{self.bar.sign} {self.bar.bar:g}"


_CPU = "cpu_us_per_delivery"
_SHOWN = (
    ("websocket-paced", _("Processor time per WebSocket delivery, ten events a second"), "websocket-1000", "paced", _CPU),
    ("websocket-burst", _("Processor time per WebSocket delivery, more than it can do"), "websocket-1000", "burst", _CPU),
    ("sse-paced", _("Processor time per SSE delivery, ten events a second"), "sse-1000", "paced", _CPU),
    ("sse-burst", _("Processor time per SSE delivery, more than it can do"), "sse-1000", "burst", _CPU),
    ("latency-websocket", _("The slowest of a hundred WebSocket deliveries, ten events a second"), "websocket-1000", "paced", "p99_ms"),
    ("latency-sse", _("The slowest of a hundred SSE deliveries, ten events a second"), "sse-1000", "paced", "p99_ms"),
)  # fmt: skip


def charts(results: Results) -> list[Chart]:
    """Return the charts that `results` has figures for."""
    found = []
    for name, title, scenario, load, figure in _SHOWN:
        peers = results.scenarios.get(scenario, {}).get("peers", [])
        spreads = {peer: spread for peer in peers if (spread := results.spread(scenario, peer, load, figure))}
        if spreads:
            found.append(Chart(name, title, _("ms") if figure == "p99_ms" else _("µs"), _rows(spreads)))
    return found


def _rows(spreads: dict[str, Spread]) -> list[Row]:
    scale = WIDTH / (max(spread.most for spread in spreads.values()) or 1)
    return [
        Row(
            label=LABELS.get(peer, peer),
            text=number(spread.median),
            spread_text=f"{number(spread.least)} – {number(spread.most)}",
            is_ours=peer in ("site", "site-redis"),
            median_x=round(spread.median * scale, 1),
            least_x=round(spread.least * scale, 1),
            most_x=round(spread.most * scale, 1),
        )
        for peer, spread in sorted(spreads.items(), key=lambda item: item[1].median)
    ]


def verdicts(results: Results) -> list[Verdict]:
    """Return the bars that were measured."""
    return [Verdict(bar, spread, bar.is_kept(spread)) for bar in BARS if (spread := bar.spread(results)) is not None]
