"""R15: five thousand connections over three processes, held while events go by."""

import asyncio
import secrets
import statistics
import time

from tests.faults.checker import History, judge, percentile
from tests.faults.crowd import STREAMS, CrowdReader, connect, hanging_up
from tests.faults.publishers import Publisher, PublishRecord
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure
from tests.rig.waiting import await_until

CONNECTIONS, TOPICS = 5_000, 10
CONNECT_S = 30.0
EVENTS_PER_S = 1.0
KIB = 1024


async def play(rig: Rig, length: Length) -> Outcome:
    count = length.count or CONNECTIONS
    topics = [f"lab.{secrets.token_hex(3)}-held-{number}" for number in range(TOPICS)]
    published = PublishRecord()
    publisher = Publisher(rig.url, published)
    for topic in topics:
        await publisher.publish(topic)
    readers = [
        CrowdReader(f"{door}-{n}", door, rig.url, [topics[n % TOPICS]], "now")
        for n in range(count)
        for door in [STREAMS[n % len(STREAMS)]]
    ]
    history = History(published.acknowledged, [reader.history for reader in readers])
    before = [process.memory_bytes for process in rig.web]
    length.say(f"{count} clients connect within {CONNECT_S:g} s or so")
    with hanging_up(readers):
        began_s = time.monotonic()
        await connect(readers, rig.url, CONNECT_S)
        await await_until(
            lambda: all(r.is_open or r.is_broken for r in readers), "everybody to be told their place", 180
        )
        opened_s = time.monotonic() - began_s
        length.say(f"all are there after {opened_s:.1f} s, and are held for {length.seconds:g} s")
        end_s = time.monotonic() + length.seconds
        while time.monotonic() < end_s:
            for topic in topics:
                await publisher.publish(topic)
                await asyncio.sleep(1 / EVENTS_PER_S)
                if time.monotonic() >= end_s:
                    break
        held = [await asyncio.to_thread(process.open_connections, STREAMS) for process in rig.web]
        after = [process.memory_bytes for process in rig.web]
        history.log = await asyncio.to_thread(rig.read_log, topics)
        heads = {topic: max(events) for topic, events in history.log.items()}
        await await_until(lambda: all(r.has_read(heads) or r.is_broken for r in readers), "all to be current", 60)
        broken = sum(reader.is_broken for reader in readers)
    verdict = judge(history)
    each_kib = [(now - then) / max(1, n) / KIB for now, then, n in zip(after, before, held, strict=True)]
    there_s = {(ack.topic, ack.seq): ack.at_s for ack in published.acknowledged}
    late_s = [max(0.0, e.at_s - there_s[e.topic, e.seq]) for r in readers for e in r.history.events]
    figures = [Figure(name, found, at_most=0) for name, found in verdict.counts.items()]
    figures += [
        Figure("connections", count),
        Figure("connections that broke", broken, at_most=0),
        Figure("connections held in the end", sum(held), at_least=count, at_most=count),
        *(Figure(f"of these at process {n}", held_here) for n, held_here in enumerate(held)),
        Figure("memory a connection", statistics.mean(each_kib), "KiB"),
        Figure("memory of a process, largest", max(after) / KIB**2, "MiB"),
        Figure("all connected after", opened_s, "s"),
        Figure("delivery p99", percentile(late_s, 99), "s"),
    ]
    load = f"{count} connections on {len(STREAMS)} doors, one of {TOPICS} topics each, {EVENTS_PER_S:g} event/s"
    words = [f"{f.who} {f.topic}:{f.seq} {f.why}" for f in (*verdict.lost, *verdict.duplicated)[:20]]
    return Outcome(figures, history, began_s, load, words)


SCENARIO = Scenario(
    "R15",
    "5,000 connections over three processes",
    play,
    seconds=60,
    quick_seconds=20,
    quick_count=1_000,
    rig={"heartbeat_s": 15.0},
)
