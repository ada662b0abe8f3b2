"""R3: Valkey is stopped for a while, then frozen: it keeps its connections and answers nothing."""

import asyncio

from apps.transports.registry import DOORS
from tests.faults.checker import latenesses, percentile
from tests.faults.load import Load
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, gaps, promise_kept
from tests.rig.figure import Figure

QUIET_S = 10.0


async def play(rig: Rig, length: Length) -> Outcome:
    load = Load(rig, length.shape)
    async with load.running():
        length.say(f"Valkey is stopped for {length.seconds:g} s")
        load.mark_fault()
        await asyncio.to_thread(rig.valkey.stop)
        await asyncio.sleep(length.seconds)
        await asyncio.to_thread(rig.valkey.start)
        await asyncio.sleep(5)
        length.say(f"Valkey is frozen for {length.seconds:g} s")
        load.mark_fault()
        rig.valkey.freeze()
        await asyncio.sleep(length.seconds)
    length.say("nobody publishes, and streams only: what is left are the readers' ticks")
    # A poll reads the log by itself, which is no tick.
    streams = Load(rig, length.shape, doors=tuple(door for door in DOORS if door.is_stream))
    async with streams.reading():
        await asyncio.sleep(2)  # whatever they had to catch up on
        with rig.counting_statements("events_logepoch") as counted:
            await asyncio.sleep(QUIET_S)
    rig.valkey.thaw()
    ticks_per_s = counted["events_logepoch"] / QUIET_S / len(rig.web)
    late = [late_s for _, _, late_s in latenesses(load.history)]
    publishes_s = [took_s for _, took_s in load.published.latencies_s]
    return promise_kept(
        load,
        Figure("failed publish attempts", load.published.failed.total(), at_most=0),
        Figure("delivery p99", percentile(late, 99), "s", at_most=1.5),
        Figure("publish p99", percentile(publishes_s, 99), "s", at_most=0.5),
        Figure("ticks a second and process", ticks_per_s, "1/s", at_most=4, at_least=0.1),
        *gaps(load),
    )


SCENARIO = Scenario("R3", "Valkey is stopped, then frozen", play, seconds=60, quick_seconds=15)
