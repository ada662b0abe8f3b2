"""R5: every packet between the clients and Caddy is dropped without a word: no reset, no unreachable, nothing."""

import asyncio
import contextlib
import itertools
import time

from apps.transports.registry import DOORS
from tests.faults.load import Load
from tests.faults.network import dropping
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, gaps, promise_kept
from tests.rig.figure import Figure
from tests.rig.waiting import await_until

STREAMS = tuple(door.name for door in DOORS if door.is_stream)
PATIENCE_S = 180.0


async def play(rig: Rig, length: Length) -> Outcome:
    # Publishers stand behind Caddy: the log moves on while nobody can read it.
    load = Load(rig, length.shape, publish_url=rig.web[0].url, catch_up_s=90.0)
    streams = [client for client in load.readers if client.reader.is_stream]

    async def open_streams() -> int:
        return sum([await asyncio.to_thread(process.open_connections, STREAMS) for process in rig.web])

    async def none_is_open() -> bool:
        await asyncio.sleep(0.25)
        return await open_streams() == 0

    async with load.running():
        await asyncio.sleep(10)
        before = await open_streams()
        length.say(f"nothing comes through any more, for {length.seconds:g} s")
        load.mark_fault()
        with dropping(rig.caddy.port):
            dropped_s = time.monotonic()
            restored = asyncio.create_task(asyncio.sleep(length.seconds))
            with contextlib.suppress(TimeoutError):
                await await_until(none_is_open, "the site to let go of every stream", PATIENCE_S)
            let_go_s = time.monotonic() - dropped_s
            left = await open_streams()
            await restored
        length.say("and again everything")
        restored_s = time.monotonic()
        load.mark_fault()

        async def all_are_back() -> bool:
            await asyncio.sleep(0.25)
            return await open_streams() == before and all(len(client.ended_s) for client in streams)

        await await_until(all_are_back, f"{before} streams to be open again", PATIENCE_S)
        back_s = time.monotonic() - restored_s
    noticed_s = [next(itertools.dropwhile(lambda s: s < dropped_s, client.ended_s)) - dropped_s for client in streams]
    outcome = promise_kept(
        load,
        Figure("streams", before, at_least=len(streams), at_most=len(streams)),
        Figure("clients noticed after, longest", max(noticed_s), "s", at_most=45.0),
        Figure("streams the site never let go of", left, at_most=0),
        Figure("site noticed after, longest", let_go_s, "s", at_most=45.0),
        Figure("as many streams as before, once packets pass", back_s, "s", at_most=60.0),
        *gaps(load),
    )
    outcome.load += f", heartbeats every {rig.heartbeat_s:g} s, publishers past the break"
    return outcome


SCENARIO = Scenario(
    "R5",
    "all packets between clients and Caddy are dropped for 60 s",
    play,
    seconds=60,
    # As on people's sites: how soon a break is noticed hangs on it.
    rig={"heartbeat_s": 15.0},
    needs_own_network=True,
)
