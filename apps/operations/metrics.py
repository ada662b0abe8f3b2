"""`GET /metrics`: what this process counts, in the format that Prometheus reads. See OPERATIONS.md#metrics.

Everything is counted where it happens, in plain numbers, and only turned into metrics when somebody asks.
"""

from collections.abc import Iterable, Iterator

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from apps.events import feed
from apps.events.appends import append_counters
from apps.events.wakeup import layer_health
from apps.operations import roll_call
from apps.server.status import status as server_status
from apps.transports.connections import open_counts
from apps.transports.deliveries import BOUNDS_S, deliveries_by_door
from apps.transports.registry import DOORS

# Beside the doors, what else keeps a connection of the feed open.
_OTHER_DOORS = ("chat", "live")
# Named from the start: a counter that appears with its first error has no rate at its first error.
_APPEND_ERRORS = ("rejected", "unavailable", "failed")
_RESET_REASONS = ("epoch", "ahead", "trimmed")


class SiteCollector(Collector):
    """Read the counters of this process; to be asked on the event loop that the feed lives on."""

    def describe(self) -> Iterable[Metric]:
        # Otherwise registering asks `collect` for the names, before there is an event loop.
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from _connections()
        yield from _appends()
        yield from _deliveries()
        yield from _reader()
        yield from _server()


def _connections() -> Iterator[Metric]:
    by_door = {door.name: 0 for door in DOORS if door.name != "short_poll"} | dict.fromkeys(_OTHER_DOORS, 0)
    yield _labelled_gauge("open_connections", "Connections open now, by door.", "door", by_door | open_counts())


def _appends() -> Iterator[Metric]:
    counters = append_counters
    yield _counter("events_appended", "Events that this process committed to the log.", counters.events)
    yield _counter(
        "appends_repeated", "Appends whose key was in the log already; they wrote nothing.", counters.repeated
    )
    yield _labelled_counter(
        "publish_errors",
        "Appends that failed: rejected (no event the log takes), unavailable (database away), failed (a fault).",
        "reason",
        dict.fromkeys(_APPEND_ERRORS, 0) | dict(counters.errors),
    )


def _deliveries() -> Iterator[Metric]:
    events = CounterMetricFamily(
        "realtime_events_delivered", "Events written to clients, once for each client.", labels=["door"]
    )
    latency = HistogramMetricFamily(
        "realtime_delivery_latency_seconds",
        "From append to write, for events appended while the client's connection was open.",
        labels=["door"],
    )
    by_door = deliveries_by_door()
    for door in dict.fromkeys([*(door.name for door in DOORS), "chat", *by_door]):
        deliveries = by_door.get(door)
        events.add_metric([door], deliveries.events if deliveries else 0)
        if deliveries is not None and any(deliveries.latency_counts):
            latency.add_metric([door], _cumulative(deliveries.latency_counts), sum_value=deliveries.latency_sum_s)
    yield events
    yield latency


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    """Return counts per latency as Prometheus wants them: each bound with all that is at most as long."""
    total, buckets = 0, []
    for bound_s, count in zip((*BOUNDS_S, float("inf")), counts, strict=True):
        total += count
        buckets.append((floatToGoString(bound_s), float(total)))
    return buckets


def _reader() -> Iterator[Metric]:
    reader = feed.current()
    counters = reader.counters
    if reader.lag_s is not None:
        yield _gauge(
            "reader_lag_seconds",
            "Time since the reader last knew the whole log; about 1 while all is well.",
            reader.lag_s,
        )
    yield _gauge("windows", "Topics whose recent events are kept in memory.", len(reader.windows))
    yield _counter(
        "events_read",
        "Events of other processes that the reader took from the log, once whatever the clients.",
        counters.events - counters.handed_over,
    )
    yield _counter(
        "events_handed_over", "Events of this process that its readers got by the commit, unread.", counters.handed_over
    )
    yield _labelled_counter(
        "log_reads",
        "Queries to the log: look (has anything moved), new (events for the windows), old (for clients further back).",
        "kind",
        {"look": counters.ticks, "new": counters.reads_of_new, "old": counters.reads_of_old},
    )
    yield _counter("hints", "Wake-ups that arrived.", counters.hints)
    yield _counter(
        "hint_losses_repaired", "Moves of a topic found by looking, whose wake-up never came.", counters.hints_lost
    )
    yield _counter("hints_garbage", "Messages ignored because they were no wake-up.", reader.garbage_hints)
    yield _labelled_counter(
        "resets",
        "Readers told that their cursor can't be continued.",
        "reason",
        dict.fromkeys(_RESET_REASONS, 0) | dict(counters.resets_by_reason),
    )
    yield _gauge(
        "channel_layer_well", "1 while wake-ups arrive, 0 while the log is polled instead.", layer_health.is_well
    )
    yield _counter("channel_layer_failures", "Times that the channel layer failed.", layer_health.failures)


def _server() -> Iterator[Metric]:
    yield _gauge("draining", "1 from the order to stop on.", server_status.draining)
    yield _counter(
        "stalled_connections_cut", "Connections cut because their peer did not read.", server_status.stalled_cut
    )
    yield _counter(
        "slow_requests_cut",
        "Connections cut because their request did not arrive in time.",
        server_status.slow_requests_cut,
    )
    yield _counter("bodies_refused", "Requests answered with 413.", server_status.bodies_refused)
    yield _counter("messages_refused", "WebSockets closed with 1009.", server_status.messages_refused)


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"realtime_{name}", says, value=value)


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(f"realtime_{name}", says, value=value)


def _labelled_gauge(name: str, says: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(f"realtime_{name}", says, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


def _labelled_counter(name: str, says: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"realtime_{name}", says, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


registry = CollectorRegistry()
registry.register(SiteCollector())
ProcessCollector(registry=registry)  # memory, processor time, open files; on Linux only
PlatformCollector(registry=registry)
GCCollector(registry=registry)


@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all metrics of this process."""
    roll_call.current().start()
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), headers={"Content-Type": content_type, "Cache-Control": "no-store"})
