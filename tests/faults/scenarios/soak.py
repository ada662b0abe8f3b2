"""R14: a thousand connections and ten events a second, for a while: what grows?"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Sequence

from tests.faults.crowd import STREAMS, CrowdReader, connect, hanging_up
from tests.faults.load import Load, Shape
from tests.faults.publishers import Publisher, PublishRecord
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario, promise_kept
from tests.rig.figure import Figure
from tests.rig.site import run_python
from tests.rig.waiting import await_until

CONNECTIONS, TOPICS, EVENTS_PER_S = 1_000, 10, 10.0
WINDOW_EVENTS = 1_000
# So many publishes, over all processes, until their memory has found its size: what requests leave behind is collected
# when there is enough of it. At EVENTS_PER_S that is a quarter of an hour.
WARM_UP_PUBLISHES, WARM_UP_AT_ONCE = 10_000, 16
SAMPLE_S = 2.0
# Of the time, before anything is measured: the last of what is done now and then has to have been done once.
SETTLE = 0.5
# What a process of this size gains or loses by chance in the rest, however long it is.
NOISE_MIB = 2.5
# In less that is not to be told from growth.
LONG_ENOUGH_MIN = 4
MIB = 2**20


async def play(rig: Rig, length: Length) -> Outcome:
    count = length.count or CONNECTIONS
    # A few clients on every door: answers that come and go are what leaks more easily than one that stays.
    shape = Shape(clients_per_door=2, publishes_per_s=EVENTS_PER_S, topics=TOPICS + 2, topics_per_client=2)
    load = Load(rig, shape, start="now")
    length.say(f"{WINDOW_EVENTS} events on each of {TOPICS} topics first: windows that fill would look like a leak")
    await asyncio.to_thread(_fill, rig, load.public)
    # One at each process for each topic that begins at the start, and so has the window filled.
    fillers = [
        CrowdReader(f"filler-{number}-{topic}", "fetch_stream", process.url, [topic], "start")
        for number, process in enumerate(rig.web)
        for topic in load.public
    ]
    many = count - len(load.readers) - len(fillers)
    crowd = [
        CrowdReader(f"{door}-{n}", door, rig.url, [load.public[n % TOPICS]], "now")
        for n in range(many)
        for door in [STREAMS[n % len(STREAMS)]]
    ]
    samples: list[list[tuple[float, float, int]]] = [[] for _ in rig.web]
    readers = [*fillers, *crowd]
    load.history.clients += [reader.history for reader in readers]
    with hanging_up(readers):
        for process in rig.web:
            await connect([reader for reader in fillers if process.url == reader.url], process.url, 1)
        await connect(crowd, rig.url, 5)
        await await_until(lambda: all(reader.is_open for reader in readers), "everybody to be told their place", 120)
        length.say(f"{WARM_UP_PUBLISHES} publishes, until the processes have found their size")
        await _warm_up(rig)
        async with load.running():
            length.say(f"{count} connections, {EVENTS_PER_S:g} events/s, for {length.seconds:g} s")
            await _sample(rig, length, samples)
        heads = {topic: max(events) for topic, events in load.history.log.items()}
        with contextlib.suppress(TimeoutError):
            await await_until(lambda: all(reader.has_read(heads) for reader in readers), "the crowd to catch up", 30)
        broken = sum(reader.is_broken for reader in readers)
    measured = [[sample for sample in each if sample[0] >= length.seconds * SETTLE] for each in samples]
    slopes = [_slope(each) * 60 for each in measured]
    minutes = length.seconds * (1 - SETTLE) / 60
    files = [max(abs(s[2] - statistics.median(n for _, _, n in each)) for s in each[-10:]) for each in measured]
    outcome = promise_kept(
        load,
        Figure("connections", count),
        Figure("connections that broke", broken, at_most=0),
        *(Figure(f"memory of process {n} after warm-up", each[0][1], "MiB") for n, each in enumerate(measured)),
        *(Figure(f"slope of process {n}", slope, "MiB/min") for n, slope in enumerate(slopes)),
        Figure(
            f"growth in {minutes:.1f} min, largest",
            max(slopes) * minutes,
            "MiB",
            at_most=NOISE_MIB if minutes >= LONG_ENOUGH_MIN else None,
        ),
        Figure("open files in the end, off by", max(files), at_most=5),
    )
    outcome.load = (
        f"{count} connections, {EVENTS_PER_S:g} events/s on {TOPICS} topics, one topic each, {length.seconds:g} s"
    )
    return outcome


def _fill(rig: Rig, topics: Sequence[str]) -> None:
    code = (
        "from apps.events.log import NewEvent, append_many\n"
        f"for topic in {list(topics)!r}:\n"
        "    keys = [f'{topic}-{number}' for number in range(%d)]\n"
        "    append_many([NewEvent(topic, 'fault.test', {'key': key}) for key in keys])"
    )
    run_python(rig.env, "manage.py", "shell", "-c", code % WINDOW_EVENTS)


async def _warm_up(rig: Rig) -> None:
    async def publish(count: int) -> None:
        publisher = Publisher(rig.url, PublishRecord())
        for _ in range(count):
            await publisher.publish("lab.warm-up")

    await asyncio.gather(*(publish(WARM_UP_PUBLISHES // WARM_UP_AT_ONCE) for _ in range(WARM_UP_AT_ONCE)))


async def _sample(rig: Rig, length: Length, samples: list[list[tuple[float, float, int]]]) -> None:
    began_s, next_word_s = time.monotonic(), 60.0
    while (at_s := time.monotonic() - began_s) < length.seconds:
        for process, taken in zip(rig.web, samples, strict=True):
            taken.append((at_s, process.memory_bytes / MIB, process.open_files))
        if at_s >= next_word_s:
            next_word_s += 60.0
            now = ", ".join(f"{each[-1][1]:.1f} MiB and {each[-1][2]} files" for each in samples)
            length.say(f"after {at_s / 60:.0f} min: {now}")
        await asyncio.sleep(SAMPLE_S)


def _slope(samples: list[tuple[float, float, int]]) -> float:
    """Return the least-squares slope of the memory, in MiB/s."""
    return statistics.linear_regression([s[0] for s in samples], [s[1] for s in samples]).slope


SCENARIO = Scenario("R14", "soak: 1,000 connections, 10 events/s", play, seconds=600, quick_seconds=60, quick_count=300)
