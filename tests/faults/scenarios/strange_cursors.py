"""R10: cursors that can't be continued, on every door: a reset or a 400, and nobody is left waiting."""

import asyncio
import contextlib
import functools
import json
import secrets
import time
from collections import Counter

from apps.transports.registry import DOORS
from tests.conformance.readers import READERS, Refused
from tests.conformance.wires import NetworkWire, SocketClosed
from tests.faults.plot import Answered, draw_answers
from tests.faults.publishers import Publisher, PublishRecord
from tests.faults.rig import Rig
from tests.faults.scenario import Length, Outcome, Scenario
from tests.rig.figure import Figure
from tests.rig.site import run_python

PATIENCE_S = 120.0  # one that is stuck is so for ever; no measure of speed
# Everything in lab.* is older than it is kept, from two hours ahead.
_PRUNE_ALL = (
    "from datetime import timedelta; from django.utils import timezone; from apps.events import log; "
    "print(log.prune(timezone.now() + timedelta(hours=2)))"
)


async def play(rig: Rig, length: Length) -> Outcome:
    topic = f"lab.{secrets.token_hex(3)}-cursors"
    publisher = Publisher(rig.url, PublishRecord())
    for _ in range(5):
        await publisher.publish(topic)
    await asyncio.to_thread(run_python, rig.env, "manage.py", "shell", "-c", _PRUNE_ALL)
    for _ in range(3):
        await publisher.publish(topic)
    epoch = await _epoch(rig, topic)
    expected = {
        f"{epoch}~{topic}:1": "reset trimmed",
        f"{epoch}~{topic}:999": "reset ahead",
        f"{epoch}~{topic}:{2**53 - 1}": "reset ahead",
        f"elsewhere~{topic}:6": "reset epoch",
        **dict.fromkeys(_garbage(epoch, topic), "400"),
    }
    tried = [(door, cursor) for door in DOORS for cursor in expected]
    timed = await asyncio.gather(*(_timed(rig, door.name, door.path, topic, cursor) for door, cursor in tried))
    answers = [answer for answer, _ in timed]
    wrong = [
        f"{door.name} answered {answer} to {cursor[:80]!r}, expected {expected[cursor]}"
        for (door, cursor), answer in zip(tried, answers, strict=True)
        if answer != expected[cursor]
    ]
    counts = Counter(answers)
    figures = [
        Figure("cursors tried", len(tried)),
        Figure("resets", sum(count for answer, count in counts.items() if answer.startswith("reset"))),
        Figure("400", counts["400"]),
        Figure("stuck", counts["stuck"], at_most=0),
        Figure("answers other than expected", len(wrong), at_most=0),
    ]
    shown = {cursor: _in_short(cursor, topic) for cursor in expected}
    answered = [
        Answered(shown[cursor], door.name, took_s, answer, answer == expected[cursor])
        for (door, cursor), (answer, took_s) in zip(tried, timed, strict=True)
    ]
    load = f"{len(expected)} cursors on each of {len(DOORS)} doors"
    return Outcome(figures, load=load, findings=wrong, draw=functools.partial(draw_answers, answered))


def _garbage(epoch: str, topic: str) -> list[str]:
    return [
        "garbage",
        "~",
        "NOW",
        f"{epoch}~{topic}",
        f"{epoch}~{topic}:",
        f"{epoch}~{topic}:-1",
        f"{epoch}~{topic}:1.5",
        f"{epoch}~{topic}:٣",
        f"{epoch}~{topic}:{2**53}",
        f"{epoch}~{topic}:1,{topic}:2",
        f"{epoch}~" + ",".join(f"lab.x{number}:1" for number in range(21)),
        f"{epoch}~{topic}:1\x00",
        "x" * 5_000,
        "🔔",
    ]


async def _epoch(rig: Rig, topic: str) -> str:
    async with NetworkWire(rig.url).get("/feed/poll", [("topic", topic), ("after", "now")]) as answer:
        return json.loads(await answer.body())["cursor"].partition("~")[0]


def _in_short(cursor: str, topic: str) -> str:
    """Return a cursor as a picture has room for it; no two of them look alike."""
    short = cursor.replace(topic, "topic").partition("~")
    words = ascii(f"{short[0]}~{short[2]}" if short[1] else short[0])[1:-1]
    return words if len(words) <= 34 else f"{words[:20]} … ({len(cursor)} characters)"


async def _timed(rig: Rig, door: str, path: str, topic: str, cursor: str) -> tuple[str, float]:
    """Return the answer, and how many seconds it took, all being asked at once."""
    began_s = time.monotonic()
    return await _answer(rig, door, path, topic, cursor), time.monotonic() - began_s


async def _answer(rig: Rig, door: str, path: str, topic: str, cursor: str) -> str:
    """Return `reset` with its reason, a status, or `stuck`."""
    reader = READERS[door](NetworkWire(rig.url), path)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            try:
                async with reader.reads(topic, after=cursor) as answers:
                    async for seen in answers:
                        if seen.reset:
                            return f"reset {seen.reset['reason']}"
                        if seen.events:
                            return "events without a reset"
            except Refused as refused:
                return str(refused.status)
            except SocketClosed as closed:
                return str(closed.code - 4000)
    return "stuck"


SCENARIO = Scenario("R10", "old, future, foreign and garbage cursors on every door", play, seconds=0)
