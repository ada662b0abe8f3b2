"""R13: eight writers and twenty readers on SQLite, each in two processes, without a web process between."""

import asyncio
import functools
import json
import sqlite3
from typing import Any

from tests.faults.checker import percentile
from tests.faults.plot import draw_appends
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure
from tests.rig.site import SiteTemplate, run_python

EVENTS = 100_000
PROCESSES, WRITERS, READERS = 2, 8, 20
APPEND_S = 0.05
TOPIC = "notifications"
PATIENCE_S = 1_800.0  # on a machine without time; no measure of speed


async def play(rig: Rig, length: Length) -> Outcome:
    count = (length.count or EVENTS) // WRITERS * WRITERS
    folder = rig.folder / "sqlite"
    template = rig.folder / "sqlite-template"
    folder.mkdir()
    template.mkdir()
    url = await asyncio.to_thread(SiteTemplate(template).sqlite, folder)
    length.say(f"{WRITERS} writers append {count} events, {READERS} readers read them")

    env = rig.env | {"DATABASE_URL": url, "REDIS_URL": ""}

    # Apart from each other: threads of one Python take its lock from each other, and not only SQLite's.
    def run(kind: str, number: int, events: int, threads: int) -> dict[str, Any]:
        words = ("--topic", TOPIC, "--events", str(events), f"--{kind}", str(threads), "--name", f"process{number}")
        return json.loads(run_python(env, "-m", "tests.faults.writers", *words, patience_s=PATIENCE_S))

    told, readers = await asyncio.gather(
        *(
            asyncio.gather(*(asyncio.to_thread(run, kind, number, events, threads) for number in range(PROCESSES)))
            for kind, events, threads in (
                ("writers", count // PROCESSES, WRITERS // PROCESSES),
                ("readers", count, READERS // PROCESSES),
            )
        )
    )
    errors = [error for one in (*told, *readers) for error in one["errors"]]
    with sqlite3.connect(folder / "site.sqlite3") as connection:
        events, head = connection.execute(
            "SELECT count(*), max(seq) FROM events_event WHERE topic = ?", [TOPIC]
        ).fetchone()
    took_s = {seq: seconds for one in told for seq, seconds in one["appends_s"]}
    appends_s = list(took_s.values())
    appended_s = {seq: at_s for one in told for _, seq, at_s in one["acknowledged"]}
    read = [(at_s, seq) for one in readers for at_s, seq in one["reads"]]
    figures = [
        Figure("events in the log", events, at_least=count, at_most=count),
        Figure("head less events", head - events, at_least=0, at_most=0),
        Figure("errors, such as locked, and readers that missed an event", len(errors), at_most=0),
        Figure("append p50", percentile(appends_s, 50), "s"),
        Figure("append p99", percentile(appends_s, 99), "s", at_most=APPEND_S),
        Figure("appends a second", count / max(one["took_s"] for one in told), "1/s"),
    ]
    load = f"{WRITERS} writers and {READERS} readers in {PROCESSES} processes each, {count} events"
    draw = functools.partial(draw_appends, appended_s, took_s, read, APPEND_S)
    return Outcome(figures, load=load, findings=errors[:10], draw=draw)


SCENARIO = Scenario("R13", "SQLite: 8 writers and 20 readers", play, seconds=0, quick_count=10_000, rig={"web": 1})
