"""R11: a client subscribes while its topic moves. What it sees begins right after the place it was told."""

import asyncio
import contextlib
import random
import secrets
import time

from apps.transports.registry import DOORS
from tests.faults.checker import ClientHistory, History, judge
from tests.faults.clients import FaultClient
from tests.faults.publishers import Publisher, PublishRecord
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure
from tests.rig.waiting import await_until

RACES = 10_000
WORKERS = 8
# How long after the other side each side may begin: about as long as a subscription takes.
SPREAD_S = 0.02


async def play(rig: Rig, length: Length) -> Outcome:
    history, published = History(), PublishRecord()
    history.acknowledged = published.acknowledged
    topics = [f"lab.{secrets.token_hex(3)}-race" for _ in range(WORKERS)]
    began_s = time.monotonic()
    numbers = length.numbers(RACES)

    async def work(worker: int) -> None:
        publisher = Publisher(rig.url, published)
        for number in numbers:
            history.clients.append(await _race(rig, publisher, topics[worker], number))
            if number % 500 == 499:
                length.say(f"{number + 1} races")

    await asyncio.gather(*(work(worker) for worker in range(WORKERS)))
    history.log = await asyncio.to_thread(rig.read_log, topics)
    verdict = judge(history)
    inside = sum(1 for client in history.clients if client.events)
    figures = [Figure(name, count, at_most=0) for name, count in verdict.counts.items()]
    figures += [
        Figure("races", len(history.clients)),
        # Where the publish always came first, nothing would have been tried.
        Figure("races in which the event came after the place", inside, at_least=len(history.clients) / 10),
    ]
    words = [f"{f.who} {f.topic}:{f.seq} {f.why}" for f in (*verdict.lost, *verdict.duplicated)[:20]]
    return Outcome(figures, history, began_s, f"{WORKERS} races at a time over {len(DOORS)} doors", words)


async def _race(rig: Rig, publisher: Publisher, topic: str, number: int) -> ClientHistory:
    door = DOORS[number % len(DOORS)].name
    client = FaultClient(f"race {number} {door}", door, rig.url, [topic], start="now", heartbeat_s=rig.heartbeat_s)

    async def publish() -> int:
        await asyncio.sleep(random.uniform(0, SPREAD_S))
        seqs = [ack.seq for _ in range(2) if (ack := await publisher.publish(topic))]
        return max(seqs, default=0)

    async def read() -> None:
        await asyncio.sleep(random.uniform(0, SPREAD_S))
        await client.run()

    reading = asyncio.create_task(read())
    try:
        head = await publish()
        client.history.until = {topic: head}
        with contextlib.suppress(TimeoutError):  # the checker says what is missing
            await await_until(lambda: client.has_read({topic: head}), f"{client.history.name} to see {head}", 20)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return client.history


SCENARIO = Scenario("R11", "races between subscribing and publishing", play, seconds=0, quick_count=500)
