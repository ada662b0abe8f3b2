"""R2: Valkey is killed (kill -9) and comes back empty. Hints are lost with it, events are not."""

import asyncio

from tests.faults.load import Load, every
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, gaps, promise_kept
from tests.rig.figure import Figure

PERIOD_S = 6.0


async def play(rig: Rig, length: Length) -> Outcome:
    load = Load(rig, length.shape)

    async def kill(number: int) -> None:
        length.say(f"kill -9 Valkey, for the {number + 1}. time")
        load.mark_fault()
        rig.valkey.kill()
        await asyncio.to_thread(rig.valkey.start)

    async with load.running():
        await every(PERIOD_S, length.seconds, kill)
    failed = Figure("failed publish attempts", sum(load.published.failed.values()), at_most=0)
    return promise_kept(load, Figure("restarts", len(load.history.faults_s)), failed, *gaps(load, longest=2.0))


SCENARIO = Scenario("R2", "Valkey is killed (-9) and restarted every 6 s", play, seconds=120, quick_seconds=30)
