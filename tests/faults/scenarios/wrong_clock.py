"""R16: the clock of one web process is an hour off. Order is by seq, so nobody minds."""

import asyncio

import psycopg

from tests.faults.load import Load
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, promise_kept
from tests.rig.figure import Figure


async def play(rig: Rig, length: Length) -> Outcome:
    load = Load(rig, length.shape)
    async with load.running():
        await asyncio.sleep(length.seconds)
    with psycopg.connect(rig.database_url) as connection:
        backwards = connection.execute(
            "SELECT count(*) FROM events_event later JOIN events_event earlier "
            "ON earlier.topic = later.topic AND earlier.seq = later.seq - 1 AND earlier.time > later.time"
        ).fetchone()
    # Without any the clock was not off, and nothing was tried.
    assert backwards is not None
    return promise_kept(load, Figure("events older than the one before", backwards[0], at_least=1))


SCENARIO = Scenario(
    "R16",
    "the clock of one web process is an hour off",
    play,
    seconds=30,
    quick_seconds=10,
    rig={"env_of": {0: {"PLANTED": "clock_an_hour_off", "DJANGO_SETTINGS_MODULE": "tests.faults.planted_settings"}}},
)
