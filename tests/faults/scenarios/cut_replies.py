"""R9: publishers whose replies are cut publish again with the same key, and the log holds each event once."""

import asyncio
import dataclasses

from tests.faults.load import Load
from tests.faults.publishers import Publisher
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, promise_kept
from tests.rig.figure import Figure

CUT = 0.3
PUBLISHES = 10_000
WORKERS = 16


async def play(rig: Rig, length: Length) -> Outcome:
    # The workers below are the load; one publish in a hundred seconds beside them is none.
    load = Load(rig, dataclasses.replace(length.shape, publishes_per_s=0.04), cut=CUT)
    numbers = length.numbers(PUBLISHES)

    async def work() -> None:
        publisher = Publisher(rig.url, load.published, cut=CUT)
        for number in numbers:
            await publisher.publish(load.public[number % len(load.public)])
            if number % 1_000 == 999:
                length.say(f"{number + 1} publishes")

    async with load.running():
        await asyncio.gather(*(work() for _ in range(WORKERS)))
    # Of the topics that only this load publishes to.
    acknowledged = sum(ack.topic in load.public for ack in load.published.acknowledged)
    events = sum(len(load.history.log.get(topic, ())) for topic in load.public)
    return promise_kept(
        load,
        Figure("events less publishes", events - acknowledged, at_most=0, at_least=0),
        Figure("publishes", acknowledged),
        Figure("replies cut", load.published.cut, at_least=acknowledged * CUT / 2),
    )


SCENARIO = Scenario("R9", "keyed publishes, 30 % of the replies cut", play, seconds=0, quick_count=500)
