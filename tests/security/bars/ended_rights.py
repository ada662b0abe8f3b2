"""S3: a right ends while streams and sockets rest on it, in three processes, with Redis and without."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from apps.transports.registry import DOORS
from tests.conformance.readers import Refused
from tests.conformance.seeing import seeing
from tests.conformance.wires import SocketClosed
from tests.faults.rig import Rig
from tests.faults.scenario import Figure, Outcome
from tests.rig.accounts import ADMIN, Account
from tests.rig.site import run_python
from tests.security.bar import Bar, Say
from tests.security.person import Person

WITH_REDIS_S, WITHOUT_REDIS_S = 2.0, 30.0
# What ends a right, in a process that serves nobody; it prints when that began.
_BEFORE = """
import time
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
user = User.objects.get(pk={user_id})
request = HttpRequest()
request.user, request.session = user, SessionStore({key!r})
"""
_CHANGES = {
    "logout": "logout(request)",
    "password change": "user.set_password('another'); user.save()",
    "deactivation": "user.is_active = False; user.save()",
    "group change": "user.groups.clear()",
}
_MAKE = (
    "from tests.rig.accounts import Account; from tests.rig.fill_database import _make; "
    "_make(Account({user_id}, 'ended-{user_id}', 'x', '{key}', is_staff=True, groups=('editors',)))"
)
GROUP = "group.editors"


@dataclass
class _Reader:
    door: str
    process: int
    ended_at: float | None = None  # of time.time()
    reason: str = ""
    refused_with: int | None = None  # the status, asked once more after the end


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    """Run each change `count` times with Redis, and once without if that is asked at length."""
    slowest = {True: 0.0, False: 0.0}
    figures: dict[str, int] = {
        "never closed": 0,
        "closed before": 0,
        "closed without a reason": 0,
        "doors that open again": 0,
    }
    readers_ended = 0
    findings: list[str] = []
    rounds = [(True, change) for _ in range(count) for change in _CHANGES]
    if count > 1:
        rounds += [(False, change) for change in _CHANGES]
    for number, (has_redis, change) in enumerate(rounds):
        if not has_redis and rig.valkey.running:
            rig.valkey.kill()
        readers, changed_at = await _end(rig, 1_000 + number, change)
        limit_s = WITH_REDIS_S if has_redis else WITHOUT_REDIS_S
        for reader in readers:
            who = f"{change}, {reader.door} on process {reader.process}, {'with' if has_redis else 'without'} Redis"
            if reader.ended_at is None:
                figures["never closed"] += 1
                findings.append(f"{who}: never closed")
                continue
            readers_ended += 1
            took_s = reader.ended_at - changed_at
            slowest[has_redis] = max(slowest[has_redis], took_s)
            figures["closed before"] += took_s < 0
            if took_s > limit_s:
                findings.append(f"{who}: closed after {took_s:.1f} s")
            if not reader.reason:
                figures["closed without a reason"] += 1
                findings.append(f"{who}: no reason")
            if reader.refused_with is None:
                figures["doors that open again"] += 1
                findings.append(f"{who}: it opens again")
        say(f"{change} {'with' if has_redis else 'without'} Redis: slowest so far {slowest[has_redis]:.2f} s")
    bars = [Figure(name, value, at_most=0) for name, value in figures.items()]
    return Outcome(
        [
            Figure("readers ended", readers_ended, at_least=len(rounds) * len(DOORS) * len(rig.web)),
            *bars,
            Figure("slowest with Redis", slowest[True], "s", at_most=WITH_REDIS_S),
            *([Figure("slowest without Redis", slowest[False], "s", at_most=WITHOUT_REDIS_S)] if count > 1 else []),
        ],
        findings=findings[:20],
    )


async def _end(rig: Rig, user_id: int, change: str) -> tuple[list[_Reader], float]:
    """Open every door of every process as a new user, end a right of theirs, and watch."""
    key = f"{user_id:x}".rjust(32, "0")
    await asyncio.to_thread(run_python, rig.env, "manage.py", "shell", "-c", _MAKE.format(user_id=user_id, key=key))
    account = Account(user_id, f"ended-{user_id}", "x", key)
    people = [(index, Person(process.url, account)) for index, process in enumerate(rig.web)]
    publisher = Person(rig.url, ADMIN)
    readers = [_Reader(door.name, index) for index, _ in people for door in DOORS]
    opened = asyncio.Semaphore(0)
    watching = [asyncio.create_task(_watch(dict(people)[reader.process], reader, opened.release)) for reader in readers]
    publishing = asyncio.create_task(_publish(publisher))
    try:
        for _ in readers:
            async with asyncio.timeout(60):
                await opened.acquire()
        changed_at = await _change(rig, account, change)
        await asyncio.wait(watching, timeout=WITHOUT_REDIS_S + 5)
    finally:
        for task in [*watching, publishing]:
            task.cancel()
        await asyncio.gather(*watching, publishing, return_exceptions=True)
        await asyncio.gather(publisher.aclose(), *(person.aclose() for _, person in people))
    return readers, changed_at


async def _watch(person: Person, reader: _Reader, opened: Callable[[], None]) -> None:
    try:
        async with seeing(person.at(reader.door), GROUP) as seen:
            opened()
            while True:
                one = await seen.one()
                if one.control == "close":
                    reader.reason = one.raw["reason"]
                    if reader.reason != "life":
                        break
                if reader.door == "short_poll":
                    await asyncio.sleep(0.1)
    except Refused as refused:
        reader.reason = refused.message
    except (SocketClosed, StopAsyncIteration, httpx.HTTPError):
        pass
    reader.ended_at = time.time()
    reader.refused_with = await person.refusal(reader.door, GROUP)


async def _publish(publisher: Person) -> None:
    while True:
        with contextlib.suppress(httpx.HTTPError):
            await publisher.publishes(GROUP, "for the group")
        await asyncio.sleep(0.05)


async def _change(rig: Rig, account: Account, change: str) -> float:
    """Do it, and return when it began."""
    before = _BEFORE.format(user_id=account.user_id, key=account.session_key)
    code = f"{before}at = time.time()\n{_CHANGES[change]}\nprint('at', at)"
    printed = await asyncio.to_thread(run_python, rig.env, "manage.py", "shell", "-c", code)
    return float(printed.rpartition("at ")[2])


BAR = Bar("S3", "logout, password change, deactivation, group change × 5 doors × 3 processes", play, full=2, short=1)
