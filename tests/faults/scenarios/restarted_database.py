"""R4: PostgreSQL crashes and recovers, several times, then hangs for a while without breaking a connection."""

import asyncio
import time

from tests.faults.load import Load, every
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, gaps, promise_kept
from tests.rig.figure import Figure

PERIOD_S = 10.0
RESTARTS = 10
FROZEN_S = 30.0
# PUBLISH_TIMEOUT_S is 5, and a busy machine takes its time to say so.
DEADLINE_S = 7.0


async def play(rig: Rig, length: Length) -> Outcome:
    load = Load(rig, length.shape)
    back_s: list[float] = []

    async def restart(number: int) -> None:
        length.say(f"PostgreSQL crashes, for the {number + 1}. time")
        load.mark_fault()
        await asyncio.to_thread(rig.postgresql.kill)
        await asyncio.to_thread(rig.postgresql.start)
        back_s.append(time.monotonic())

    async with load.running():
        await every(min(PERIOD_S, length.seconds / 2), length.seconds, restart)
        frozen_s = min(FROZEN_S, length.seconds)
        length.say(f"PostgreSQL hangs for {frozen_s:g} s")
        load.mark_fault()
        rig.postgresql.freeze()
        await asyncio.sleep(frozen_s)
        rig.postgresql.thaw()
        back_s.append(time.monotonic())
        await asyncio.sleep(PERIOD_S / 2)
    failed = load.published.failed
    again_s = load.published.longest_failing_after(back_s, load.history.faults_s)
    streams = [client for client in load.readers if client.reader.is_stream]
    return promise_kept(
        load,
        Figure("refusals (503)", failed["503"]),
        Figure("503 without Retry-After", load.published.without_retry_after, at_most=0),
        Figure("until a refusal, longest", max(load.published.refused_after_s, default=0.0), "s", at_most=DEADLINE_S),
        Figure("failed otherwise than with 503", failed.total() - failed["503"], at_most=0),
        Figure("until publishes succeed again", again_s, "s", at_most=5.0),
        Figure("streams that broke", sum(client.history.connections - 1 for client in streams), at_most=0),
        *gaps(load),
    )


SCENARIO = Scenario(
    "R4",
    "PostgreSQL crashes and restarts every 10 s, then hangs for 30 s",
    play,
    seconds=RESTARTS * PERIOD_S,
    quick_seconds=20,
)
