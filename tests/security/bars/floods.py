"""S8: one client floods three processes at once, forges where it comes from, and goes on while Redis is away."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from apps.access.rate import parse
from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import CSRF_TOKEN, STAFF
from tests.rig.figure import Figure
from tests.security.bar import Bar, Say

OPEN, PUBLISH = "300/min", "240/min"
AT_ONCE = 12
MOST_OVERSHOOT = 0.1
# What clients send who want to be somebody else; the proxy in front puts its own in place of the second.
FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")
# Addresses of the documentation's network (RFC 5737): the flood as the proxy in front tells of it.
FROM_ONE, FROM_ANOTHER, WARMING_UP = "198.51.100.1", "198.51.100.2", "198.51.100.3"


@dataclass
class _Flood:
    """How a flood was answered.

    Args:
        lasted_s: from its first request to its last.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    lasted_s: float = 0.0
    without_a_time: int = 0  # refusals that don't say when to come back

    def overshoot(self, rate: str, *, counted_by: int = 1) -> float:
        """Return what was served beyond what `counted_by` counts allow: their burst, and the rate since."""
        allowed = parse(rate)
        assert allowed is not None
        served = self.statuses[200] + self.statuses[201]
        return served / (counted_by * (allowed.burst + allowed.per_s * self.lasted_s)) - 1


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    """Flood for `count` seconds each time."""
    processes = itertools.cycle([process.url for process in rig.web])
    floods: dict[str, tuple[_Flood, str, int]] = {}

    async def flood(
        name: str, rate: str, ask: Callable[[httpx.AsyncClient], httpx.Request], counted_by: int = 1
    ) -> None:
        floods[name] = (await _flood(ask, count), rate, counted_by)
        found = floods[name][0]
        beyond = found.overshoot(rate, counted_by=counted_by)
        say(f"{name}: {dict(found.statuses)} in {found.lasted_s:.1f} s, {beyond:+.1%} of what is allowed")

    def poll_as(address: str) -> Callable[[httpx.AsyncClient], httpx.Request]:
        return lambda client: client.build_request("GET", f"{next(processes)}{_POLL}", headers={"X-Real-IP": address})

    def poll_forging(client: httpx.AsyncClient) -> httpx.Request:
        claims = {name: f"10.{random.randrange(256)}.{random.randrange(256)}.7" for name in FORGED}
        return client.build_request("GET", f"{rig.url}{_POLL}", headers=claims)

    def publish(client: httpx.AsyncClient) -> httpx.Request:
        url = next(processes)
        cookies = "; ".join(f"{name}={value}" for name, value in STAFF.cookies().items())
        headers = {"Cookie": cookies, "X-CSRFToken": CSRF_TOKEN, "Origin": url}
        event = {"type": "test.happened", "data": 1}
        return client.build_request("POST", f"{url}/api/topics/lab.flood/events", json=event, headers=headers)

    # A process that serves its first request is slow, and not because of a limit.
    await _flood(poll_as(WARMING_UP), 1)
    await flood("split over 3 processes", OPEN, poll_as(FROM_ONE))
    await flood("forged, through the proxy", OPEN, poll_forging)
    await flood("a publishing user, split", PUBLISH, publish)
    rig.valkey.kill()
    await flood("split, without Redis", OPEN, poll_as(FROM_ANOTHER), counted_by=len(rig.web))
    all_statuses = sum((found.statuses for found, _, _ in floods.values()), Counter[int]())
    return Outcome(
        [
            *[
                Figure(
                    f"overshoot: {name}", max(0.0, found.overshoot(rate, counted_by=counted)), at_most=MOST_OVERSHOOT
                )
                for name, (found, rate, counted) in floods.items()
            ],
            *[
                # A limit that refuses what it promises is none either.
                Figure(f"served of what is allowed: {name}", 1 + found.overshoot(rate), at_least=0.8)
                for name, (found, rate, _) in floods.items()
            ],
            Figure("requests", all_statuses.total(), at_least=60 * count),
            Figure("refused", all_statuses[429], at_least=10 * count),
            Figure(
                "refused without a time to come back", sum(f.without_a_time for f, _, _ in floods.values()), at_most=0
            ),
            Figure(
                "neither served nor refused",
                all_statuses.total() - sum(map(all_statuses.get, (200, 201, 429), (0,) * 3)),
                at_most=0,
            ),
        ],
        findings=[f"{name}: {dict(found.statuses)}" for name, (found, _, _) in floods.items()],
    )


async def _flood(ask: Callable[[httpx.AsyncClient], httpx.Request], seconds: int) -> _Flood:
    found = _Flood()
    began = time.monotonic()

    async def one_after_the_other(client: httpx.AsyncClient) -> None:
        while time.monotonic() < began + seconds:
            answer = await client.send(ask(client))
            found.statuses[answer.status_code] += 1
            found.without_a_time += answer.status_code == 429 and not answer.headers.get("Retry-After", "").isdigit()

    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=False) as client:
        await asyncio.gather(*(one_after_the_other(client) for _ in range(AT_ONCE)))
    found.lasted_s = time.monotonic() - began
    return found


_POLL = "/feed/poll?topic=lab.flood&after=now"

BAR = Bar(
    "S8",
    "floods split over 3 processes, with forged addresses, and without Redis",
    play,
    full=15,
    short=None,
    env={
        "CLIENT_LIMITS": "true",
        "CLIENT_ADDRESS_HEADER": "X-Real-IP",
        "RATE_OPEN_ADDRESS": OPEN,
        "RATE_PUBLISH": PUBLISH,
        "RATE_API_ADDRESS": "off",
    },
)
