"""/metrics: every figure is what really happened, in a format that Prometheus' own parser takes."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, transaction
from prometheus_client.parser import text_string_to_metric_families

from apps.events import feed, log, statements, wakeup
from apps.events.appends import append_counters
from apps.events.cursor import START, Cursor
from apps.events.logged_event import LoggedEvent
from apps.events.wakeup import layer_health
from apps.server.status import status as server_status
from apps.transports import deliveries
from apps.transports.deliveries import delivered
from tests.rig.site import Site
from tests.rig.waiting import await_until, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Samples = dict[tuple[str, frozenset], float]


def samples(text: str) -> Samples:
    """Return each sample of a scrape under its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"realtime_{name}", frozenset(labels.items())))


@pytest.fixture
def scrape(prober):
    """Return the samples of this process now."""

    async def scraped() -> Samples:
        response = await prober.get("/metrics")
        assert response.status_code == 200
        return samples(response.text)

    return scraped


@pytest.fixture(autouse=True)
def from_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters of the process begin with the test."""
    monkeypatch.setattr(append_counters, "events", 0)
    monkeypatch.setattr(append_counters, "repeated", 0)
    append_counters.errors.clear()
    deliveries._by_door.clear()


def event_of(age_s: float) -> LoggedEvent:
    return LoggedEvent("lab.a", 1, "test.happened", datetime.now(UTC) - timedelta(seconds=age_s), "1")


async def test_every_counter_is_there_before_anything_happened(scrape):
    found = await scrape()
    for reason in ("rejected", "unavailable", "failed"):
        assert value(found, "publish_errors_total", reason=reason) == 0
    for reason in ("epoch", "ahead", "trimmed"):
        assert value(found, "resets_total", reason=reason) == 0
    for door in ("short_poll", "long_poll", "sse", "fetch_stream", "websocket", "chat"):
        assert value(found, "events_delivered_total", door=door) == 0
    for door in ("long_poll", "sse", "fetch_stream", "websocket", "chat", "live"):
        assert value(found, "open_connections", door=door) == 0


async def test_the_process_tells_its_memory_and_processor_time(scrape):
    found = await scrape()
    assert found["process_resident_memory_bytes", frozenset()] > 1e7
    assert found["process_cpu_seconds_total", frozenset()] > 0


async def test_prometheus_may_ask_for_open_metrics(prober):
    response = await prober.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


async def test_events_count_as_appended_when_they_are_committed(scrape):
    await log.aappend("lab.a", "test.happened", 1)
    assert value(await scrape(), "events_appended_total") == 1


async def test_events_that_are_rolled_back_do_not_count_as_appended(scrape):
    def appended_and_taken_back() -> None:
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            log.append("lab.a", "test.happened", 1)
            raise ZeroDivisionError

    await feed.queries.run(appended_and_taken_back)
    assert value(await scrape(), "events_appended_total") == 0


async def test_a_repeated_key_counts_as_repeated(scrape):
    for _ in range(3):
        await log.aappend("lab.a", "test.happened", 1, key="order-7")
    found = await scrape()
    assert (value(found, "events_appended_total"), value(found, "appends_repeated_total")) == (1, 2)


async def test_publish_errors_count_by_reason(scrape, monkeypatch):
    with pytest.raises(log.EventRejected):
        await log.aappend("lab.a", "test.happened", "x" * 20_000)

    def database_away(*_):
        raise OperationalError("gone")

    monkeypatch.setattr(statements, "insert_at_head", database_away)
    with pytest.raises(feed.LogUnavailable):
        await log.aappend("lab.a", "test.happened", 1)
    found = await scrape()
    assert value(found, "publish_errors_total", reason="rejected") == 1
    assert value(found, "publish_errors_total", reason="unavailable") == 1
    assert value(found, "events_appended_total") == 0


async def test_resets_count_by_reason(scrape):
    batch = await feed.current().read(["lab.a"], Cursor("another", {"lab.a": 3}))
    assert batch.reset is not None
    assert value(await scrape(), "resets_total", reason="epoch") == 1


async def test_a_short_poll_counts_its_events_and_no_latency(prober, scrape):
    await log.aappend("lab.a", "test.happened", 1)
    await log.aappend("lab.a", "test.happened", 2)
    await prober.get("/feed/poll?topic=lab.a&after=start", headers={"Host": "localhost"})
    found = await scrape()
    assert value(found, "events_delivered_total", door="short_poll") == 2
    assert value(found, "delivery_latency_seconds_count", door="short_poll") is None


async def test_a_long_poll_counts_the_latency_of_what_came_while_it_waited(prober, scrape):
    await log.aappend("lab.a", "test.happened", "before")
    await prober.get("/feed/long-poll?topic=lab.a&after=start", headers={"Host": "localhost"})
    polling = asyncio.create_task(prober.get("/feed/long-poll?topic=lab.a&after=now", headers={"Host": "localhost"}))

    async def is_open() -> bool:
        return bool(value(await scrape(), "open_connections", door="long_poll"))

    await await_until(is_open, "the long poll to wait")
    await log.aappend("lab.a", "test.happened", "meanwhile")
    assert (await polling).json()["events"][0]["data"] == "meanwhile"
    found = await scrape()
    assert value(found, "events_delivered_total", door="long_poll") == 2
    assert value(found, "delivery_latency_seconds_count", door="long_poll") == 1
    assert value(found, "open_connections", door="long_poll") == 0


async def test_latencies_are_cumulative_and_a_clock_ahead_of_ours_counts_as_none(scrape):
    for age_s in (-30.0, 0.3, 0.3, 60.0):
        delivered("sse", [event_of(age_s)], open_since=0.0)
    found = await scrape()
    buckets = [
        value(found, "delivery_latency_seconds_bucket", door="sse", le=le)
        for le in ("0.005", "0.25", "0.5", "10.0", "+Inf")
    ]
    assert buckets == [1, 1, 3, 3, 4]
    assert value(found, "delivery_latency_seconds_sum", door="sse") == pytest.approx(60.6, rel=0.1)


async def test_one_write_for_many_clients_counts_once_for_each(scrape):
    delivered("websocket", [event_of(0.3)], open_since=0.0, clients=500)
    found = await scrape()
    assert value(found, "events_delivered_total", door="websocket") == 500
    assert value(found, "delivery_latency_seconds_count", door="websocket") == 500


async def test_the_reader_tells_its_lag_and_its_queries(scrape):
    reader = feed.current()
    assert value(await scrape(), "reader_lag_seconds") is None
    await reader.resolve(["lab.a"], START)
    await log.aappend("lab.a", "test.happened", 1)
    await reader.wait(["lab.a"], await reader.resolve(["lab.a"], START), timeout_s=60)
    found = await scrape()
    assert value(found, "reader_lag_seconds") >= 0
    assert value(found, "log_reads_total", kind="look") >= 1
    assert value(found, "windows") == 1


async def test_events_of_this_process_are_handed_over_and_those_of_others_are_read(scrape, monkeypatch):
    reader = feed.current()
    await reader.resolve(["lab.a"], START)
    await log.aappend("lab.a", "test.happened", 1)
    await await_until(lambda: reader.windows["lab.a"].head == 1, "the event to be handed over")
    monkeypatch.setattr(wakeup, "hand_over", wakeup.no_readers)
    await log.aappend("lab.a", "test.happened", 2)
    await await_until(lambda: reader.windows["lab.a"].head == 2, "the event to be read")
    found = await scrape()
    assert value(found, "events_handed_over_total") == 1
    assert value(found, "events_read_total") == 1


async def test_a_layer_that_fails_is_not_well_and_counted(scrape):
    before = value(await scrape(), "channel_layer_failures_total")
    layer_health.failed("the test says so")
    found = await scrape()
    assert value(found, "channel_layer_well") == 0
    assert value(found, "channel_layer_failures_total") == before + 1


async def test_what_the_server_cut_and_refused_is_counted(scrape, monkeypatch):
    monkeypatch.setattr(server_status, "stalled_cut", 3)
    monkeypatch.setattr(server_status, "draining", True)
    found = await scrape()
    assert value(found, "stalled_connections_cut_total") == 3
    assert value(found, "draining") == 1


def test_a_stream_of_a_running_site_is_counted_while_open_and_its_events_as_delivered(live_site: Site):
    with live_site.client() as client:

        def now() -> Samples:
            return samples(client.get("/metrics").text)

        before = value(now(), "events_delivered_total", door="fetch_stream")
        with client.stream("GET", "/feed/stream?topic=notifications") as stream:
            lines = stream.iter_lines()
            assert '"ready"' in next(lines)
            assert value(now(), "open_connections", door="fetch_stream") == 1
            live_site.post_notification("Counted")
            assert '"Counted"' in next(lines)
            wait_until(
                lambda: value(now(), "events_delivered_total", door="fetch_stream") == before + 1,
                "the event to be counted",
            )
            assert value(now(), "delivery_latency_seconds_count", door="fetch_stream") >= 1
        wait_until(lambda: value(now(), "open_connections", door="fetch_stream") == 0, "the stream to be over")
