"""R8: sixteen writers in four processes append to one topic, each with 0 to 20 ms of other work in its transaction."""

import asyncio
import json
import time

from apps.transports.registry import DOORS
from tests.faults.checker import Acknowledged, History, judge
from tests.faults.clients import FaultClient
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure
from tests.rig.site import run_python
from tests.rig.waiting import await_until

EVENTS = 100_000
PROCESSES, WRITERS = 4, 16
DELAY_MS = 20
PATIENCE_S = 1_800.0  # of writers on a machine without time; no measure of speed
# A topic that keeps 100,000 events; others are pruned to 10,000 now and then.
TOPIC = "notifications"


async def play(rig: Rig, length: Length) -> Outcome:
    count = (length.count or EVENTS) // WRITERS * WRITERS
    clients = [
        FaultClient(door.name, door.name, rig.url, [TOPIC], start="start", heartbeat_s=rig.heartbeat_s)
        for door in DOORS
    ]
    history = History(clients=[client.history for client in clients])
    tasks = [asyncio.create_task(client.run()) for client in clients]
    try:
        await await_until(lambda: all(client.is_open for client in clients), "every client to be told its place")
        began_s, own_s, web_s = time.monotonic(), time.process_time(), sum(process.busy_s for process in rig.web)
        length.say(f"{WRITERS} writers append {count} events")
        told = await asyncio.gather(*(asyncio.to_thread(_write, rig, number, count) for number in range(PROCESSES)))
        history.acknowledged = [
            Acknowledged(TOPIC, key, seq, at_s) for one in told for key, seq, at_s in one["acknowledged"]
        ]
        history.log = await asyncio.to_thread(rig.read_log, [TOPIC])
        head = max(history.log.get(TOPIC, ()), default=0)
        await await_until(lambda: all(c.has_read({TOPIC: head}) for c in clients), "clients to catch up", 120)
        own_s, web_s = time.process_time() - own_s, sum(process.busy_s for process in rig.web) - web_s
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    verdict = judge(history)
    errors = [error for one in told for error in one["errors"]]
    rate = sum(one["events"] for one in told) / max(one["took_s"] for one in told)
    figures = [Figure(name, found, at_most=0) for name, found in verdict.counts.items()]
    figures += [
        Figure("events in the log", head, at_least=count),
        Figure("errors", len(errors), at_most=0),
        Figure("appends a second, one topic", rate, "1/s", at_least=800),
        Figure("processor time an event, writers", 1000 * sum(one["busy_s"] for one in told) / count, "ms"),
        Figure("processor time an event, web processes", 1000 * web_s / count, "ms"),
        Figure("processor time an event, clients", 1000 * own_s / count, "ms"),
    ]
    load = f"{WRITERS} writers in {PROCESSES} processes, {count} events, one client on each of {len(DOORS)} doors"
    return Outcome(figures, history, began_s, load, errors[:10])


def _write(rig: Rig, number: int, count: int) -> dict:
    words = ("--topic", TOPIC, "--events", str(count // PROCESSES), "--writers", str(WRITERS // PROCESSES))
    options = ("--delay-ms", str(DELAY_MS), "--name", f"process{number}")
    told = run_python(rig.env, "-m", "tests.faults.writers", *words, *options, patience_s=PATIENCE_S)
    return json.loads(told)


SCENARIO = Scenario("R8", "16 writers on one topic, 0–20 ms in their transactions", play, seconds=0, quick_count=10_000)
