"""R12: two thousand clients come back within 5 s, each a hundred events behind, after nobody was there for a while."""

import asyncio
import secrets
import time

from tests.faults.checker import History, judge, percentile
from tests.faults.crowd import STREAMS, CrowdReader, connect, hanging_up
from tests.faults.publishers import Publisher, PublishRecord
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure
from tests.rig.waiting import await_until

CLIENTS, TOPICS, BEHIND = 2_000, 5, 100
REJOIN_S = 5.0
# What reads events, whatever their number: one for what is new, one for what is old.
_READS = 'FROM "events_event"'


async def play(rig: Rig, length: Length) -> Outcome:
    count = length.count or CLIENTS
    topics = [f"lab.{secrets.token_hex(3)}-rejoin-{number}" for number in range(TOPICS)]
    published = PublishRecord()
    length.say(f"{BEHIND} events on each of {TOPICS} topics, while nobody reads")

    async def fill(topic: str) -> None:
        publisher = Publisher(rig.url, published)
        # The first is what everybody had seen before they left.
        for _ in range(BEHIND + 1):
            await publisher.publish(topic)

    await asyncio.gather(*(fill(topic) for topic in topics))
    epoch = await asyncio.to_thread(rig.epoch)
    readers = [
        CrowdReader(f"{door}-{n}", door, rig.url, [topic], f"{epoch}~{topic}:1")
        for n in range(count)
        for door, topic in [(STREAMS[n % len(STREAMS)], topics[n // len(STREAMS) % TOPICS])]
    ]
    history = History(published.acknowledged, [reader.history for reader in readers])
    heads = dict.fromkeys(topics, BEHIND + 1)
    length.say(f"{count} clients come back within {REJOIN_S:g} s")
    with hanging_up(readers):
        with rig.counting_statements(_READS) as counted:
            began_s = time.monotonic()
            history.faults_s = [began_s, began_s + REJOIN_S]
            await connect(readers, rig.url, REJOIN_S)
            came_s = time.monotonic() - began_s
            await await_until(
                lambda: all(r.has_read(heads) for r in readers if not r.is_broken), "all to be current", 120
            )
        broken = sum(reader.is_broken for reader in readers)
    history.log = await asyncio.to_thread(rig.read_log, topics)
    current_s = max(
        (reader.history.events[-1].at_s - began_s for reader in readers if reader.history.events), default=0.0
    )
    took_s = [reader.history.events[-1].at_s - reader.history.opened_s for reader in readers if reader.history.events]
    verdict = judge(history)
    figures = [Figure(name, found, at_most=0) for name, found in verdict.counts.items()]
    figures += [
        Figure("clients", count),
        Figure("connections that broke", broken, at_most=0),
        Figure("catch-up queries", counted[_READS], at_most=50),
        Figure("all connected after", came_s, "s"),
        Figure("all current after", current_s, "s", at_most=10.0),
        Figure("from its place to current, p99", percentile(took_s, 99), "s"),
    ]
    load = f"{count} clients on {len(STREAMS)} doors, one of {TOPICS} topics each, {BEHIND} events behind"
    words = [f"{f.who} {f.topic}:{f.seq} {f.why}" for f in (*verdict.lost, *verdict.duplicated)[:20]]
    return Outcome(figures, history, began_s, load, words)


SCENARIO = Scenario("R12", "2,000 clients rejoin in 5 s, 100 events behind", play, seconds=0, quick_count=500)
