"""R1: a web process dies (kill -9) every 10 s, each in turn, and is started again."""

import asyncio

from tests.faults.load import Load, every
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, gaps, promise_kept

PERIOD_S = 10.0


async def play(rig: Rig, length: Length) -> Outcome:
    load = Load(rig, length.shape)

    async def kill(number: int) -> None:
        process = rig.web[number % len(rig.web)]
        length.say(f"kill -9 {process.name}")
        load.mark_fault()
        process.kill()
        await asyncio.to_thread(process.start)

    async with load.running():
        await every(min(PERIOD_S, length.seconds / 2), length.seconds, kill)
    return promise_kept(load, *gaps(load, p99=3.0, longest=10.0))


SCENARIO = Scenario("R1", "a web process is killed (-9) every 10 s", play, seconds=120, quick_seconds=30)
