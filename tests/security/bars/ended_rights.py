"""S3: a right ends while streams and sockets rest on it, in three processes, with Redis and without."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets

from apps.transports.registry import DOORS
from tests.conformance.readers import Refused
from tests.conformance.wires import SocketClosed
from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import ADMIN, Account
from tests.rig.figure import Figure
from tests.rig.site import run_python
from tests.security.bar import Bar, Say
from tests.security.person import Person

WITH_REDIS_S, WITHOUT_REDIS_S = 2.0, 30.0
OPENING_S = 60.0  # for all doors of a round
GROUP = "group.editors"
# What a reader is told whose right ended; after any other goodbye it comes back.
ENDS = {"signed_out", "revoked", "token_expired"}
TOKEN_LIFE_S = 20  # of a token that expires under its readers


@dataclass(frozen=True)
class _Change:
    """What ends a right.

    Args:
        code: run in a process that serves nobody, with `request` and `user` at hand; empty: time alone ends it.
        of_token: whether the readers come with a token, and else with the cookie of a session.
    """

    name: str
    code: str
    of_token: bool = False
    token_life_s: int = 3_600


_CHANGES = [
    _Change("logout", "logout(request)"),
    # From when it is written: making the hash takes a while by design, and ends nothing yet.
    _Change("password change", "user.set_password('another'); at = time.time(); user.save()"),
    _Change("deactivation", "user.is_active = False; user.save()"),
    _Change("group change", "user.groups.clear()"),
]
_CHANGES_OF_TOKENS = [
    *(_Change(f"{one.name} under a token", one.code, of_token=True) for one in _CHANGES if one.name != "logout"),
    _Change("a token that expires", "", of_token=True, token_life_s=TOKEN_LIFE_S),
]
_BEFORE = """
import time
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
user = User.objects.get(pk={user_id})
request = HttpRequest()
request.user, request.session = user, SessionStore({key!r})
at = time.time()
"""
# With the right to history: to a short poll whatever came since the last one is that.
_MAKE = """
from apps.access import tokens
from apps.access.identity import Right
from django.contrib.auth.models import User
from tests.rig.accounts import Account
from tests.rig.fill_database import _make
_make(Account({user_id}, 'ended-{user_id}', 'x', '{key}', is_staff=True, groups=('editors',)))
print('token', *tokens.issue(User.objects.get(pk={user_id}), '{topic}', [Right.READ, Right.HISTORY], {life_s}))
"""


class DoorsStayedShut(Exception):
    """A round could not begin: not every reader got in and read something."""


@dataclass
class _Reader:
    door: str
    process: int
    is_open: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # it has read something private, or never will
    turned_away: Counter[str] = field(default_factory=Counter)  # the words it was sent off with, to come back
    events: int = 0
    events_after_the_end: int = 0
    ended_at: float | None = None  # of time.time()
    reason: str = ""
    refused_with: int | None = None  # the status, asked once more after the end

    def __str__(self) -> str:
        return f"{self.door} on process {self.process}"


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    """Run each change `count` times with Redis; at length those of tokens too, and each once without Redis."""
    slowest = {True: 0.0, False: 0.0}
    figures: dict[str, int] = {
        "never closed": 0,
        "closed before": 0,
        "closed without a reason": 0,
        "doors that open again": 0,
        "private events after the end": 0,
    }
    readers_ended = readers_served = 0
    findings: list[str] = []
    changes = _CHANGES + (_CHANGES_OF_TOKENS if count > 1 else [])
    rounds = [(True, change) for _ in range(count) for change in changes]
    if count > 1:
        rounds += [(False, change) for change in changes]
    for number, (has_redis, change) in enumerate(rounds):
        if not has_redis and rig.valkey.running:
            rig.valkey.kill()
        readers, changed_at = await _end(rig, 1_000 + number, change)
        limit_s = WITH_REDIS_S if has_redis else WITHOUT_REDIS_S
        round_slowest_s = 0.0
        for reader in readers:
            who = f"{change.name}, {reader}, {'with' if has_redis else 'without'} Redis"
            readers_served += reader.events > 0
            if reader.ended_at is None:
                figures["never closed"] += 1
                findings.append(f"{who}: never closed")
                continue
            readers_ended += 1
            took_s = reader.ended_at - changed_at
            round_slowest_s = max(round_slowest_s, took_s)
            figures["closed before"] += took_s < 0
            if took_s > limit_s:
                findings.append(f"{who}: closed after {took_s:.1f} s")
            if not reader.reason:
                figures["closed without a reason"] += 1
                findings.append(f"{who}: no reason")
            if reader.refused_with is None:
                figures["doors that open again"] += 1
                findings.append(f"{who}: it opens again")
            if reader.events_after_the_end:
                figures["private events after the end"] += reader.events_after_the_end
                findings.append(f"{who}: {reader.events_after_the_end} events after the end")
        slowest[has_redis] = max(slowest[has_redis], round_slowest_s)
        came_back = sum((reader.turned_away for reader in readers), Counter())
        say(
            f"{change.name} {'with' if has_redis else 'without'} Redis: slowest {round_slowest_s:.2f} s"
            + (f"; told to come back: {dict(came_back)}" if came_back else "")
        )
    all_readers = len(rounds) * len(DOORS) * len(rig.web)
    return Outcome(
        [
            Figure("readers ended", readers_ended, at_least=all_readers),
            # Otherwise nothing private came their way in any case.
            Figure("readers that read private events before", readers_served, at_least=all_readers),
            *[Figure(name, value, at_most=0) for name, value in figures.items()],
            Figure("slowest with Redis", slowest[True], "s", at_most=WITH_REDIS_S),
            *([Figure("slowest without Redis", slowest[False], "s", at_most=WITHOUT_REDIS_S)] if count > 1 else []),
        ],
        findings=findings[:20],
    )


async def _end(rig: Rig, user_id: int, change: _Change) -> tuple[list[_Reader], float]:
    """Open every door of every process as a new user, end a right of theirs, and watch.

    Raises:
        DoorsStayedShut: a reader did not get in; the message says what each of them was told.
    """
    key = f"{user_id:x}".rjust(32, "0")
    make = _MAKE.format(user_id=user_id, key=key, topic=GROUP, life_s=change.token_life_s)
    printed = await asyncio.to_thread(run_python, rig.env, "manage.py", "shell", "-c", make)
    token, expires_at = printed.rpartition("token ")[2].split()
    account = Account(user_id, f"ended-{user_id}", "x", key)
    people = [
        Person(process.url, None, token) if change.of_token else Person(process.url, account) for process in rig.web
    ]
    publisher = Person(rig.url, ADMIN)
    readers = [_Reader(door.name, process) for process in range(len(people)) for door in DOORS]
    watching = [asyncio.create_task(_watch(people[reader.process], reader)) for reader in readers]
    publishing = asyncio.create_task(_publish(publisher))
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPENING_S):
                await asyncio.gather(*(reader.settled.wait() for reader in readers))
        _raise_of(watching)
        if any(not reader.events for reader in readers):
            raise DoorsStayedShut(_words_of_the_shut(change, readers))
        changed_at = await _change(rig, account, change) if change.code else float(expires_at)
        patience_s = max(0.0, changed_at - time.time()) + WITHOUT_REDIS_S + 5
        await asyncio.wait(watching, timeout=patience_s)
        _raise_of([*watching, publishing])
    finally:
        for task in [*watching, publishing]:
            task.cancel()
        await asyncio.gather(*watching, publishing, return_exceptions=True)
        await asyncio.gather(publisher.aclose(), *(person.aclose() for person in people))
    return readers, changed_at


def _raise_of(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()


def _words_of_the_shut(change: _Change, readers: list[_Reader]) -> str:
    shut = [reader for reader in readers if not reader.events]
    told = (
        f"{reader}: {dict(reader.turned_away) or ('silence' if reader.is_open else 'no answer')}" for reader in shut
    )
    return f"before the {change.name}, {len(shut)} of {len(readers)} doors stayed shut: {'; '.join(told)}"


async def _watch(person: Person, reader: _Reader) -> None:
    """Read as a client does, which comes back when it is told to, until the right has ended."""
    try:
        while True:
            wait_s = await _read(person, reader)
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
    finally:
        reader.settled.set()
    if reader.is_open:
        reader.refused_with = await person.refusal(reader.door, GROUP)


async def _read(person: Person, reader: _Reader) -> float | None:
    """Open the door and read until it closes; return when to come back, in seconds, or None where that is no use."""
    goodbye: dict[str, Any] | None = None
    try:
        async with person.at(reader.door).reads(GROUP) as answers:
            async for one in answers:
                if one.control == "close":
                    goodbye = one.raw
                    if goodbye["reason"] in ENDS:
                        _note_end(reader, goodbye["reason"])
                elif reader.ended_at is not None:
                    reader.events_after_the_end += len(one.events)
                else:
                    reader.events += len(one.events)
                    reader.is_open = True
                    if reader.events:
                        reader.settled.set()
                if reader.door == "short_poll":
                    await asyncio.sleep(0.1)
    except (Refused, SocketClosed) as refusal:
        if goodbye is None:
            status = refusal.status if isinstance(refusal, Refused) else refusal.code - 4000
            words = refusal.message if isinstance(refusal, Refused) else refusal.reason
            return _turned_away(reader, f"{status} {words}", 1.0 if status in (429, 503) else None)
    except (httpx.HTTPError, websockets.ConnectionClosed) as error:
        if goodbye is None:
            return _turned_away(reader, f"{type(error).__name__} {error}", None)
    if goodbye is None:
        return _turned_away(reader, "the stream ended without a word", None)
    if reader.ended_at is not None:
        return None
    return _turned_away(reader, goodbye["reason"], goodbye["retry_ms"] / 1_000)


def _turned_away(reader: _Reader, words: str, wait_s: float | None) -> float | None:
    if wait_s is None and reader.is_open:
        _note_end(reader, words if words[:1].isdigit() else "")
    else:
        reader.turned_away[words] += 1
    return wait_s


def _note_end(reader: _Reader, reason: str) -> None:
    reader.ended_at, reader.reason = time.time(), reason


async def _publish(publisher: Person) -> None:
    while True:
        with contextlib.suppress(httpx.HTTPError):
            await publisher.publishes(GROUP, "for the group")
        await asyncio.sleep(0.05)


async def _change(rig: Rig, account: Account, change: _Change) -> float:
    """Do it, and return when it began."""
    code = _BEFORE.format(user_id=account.user_id, key=account.session_key) + f"{change.code}\nprint('at', at)"
    printed = await asyncio.to_thread(run_python, rig.env, "manage.py", "shell", "-c", code)
    return float(printed.rpartition("at ")[2])


BAR = Bar("S3", "logout, password change, deactivation, group change × 5 doors × 3 processes", play, full=2, short=1)
