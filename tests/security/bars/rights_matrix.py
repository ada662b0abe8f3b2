"""S2: everybody tries everything: read, read back and publish, on each kind of topic, through each door.

The rights are written out here once more, by hand: a rule that changes by accident disagrees with them.
"""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlencode

from apps.transports.registry import DOORS
from tests.conformance.readers import Refused
from tests.conformance.wires import SocketClosed
from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import DEACTIVATED, MEMBER, OTHER_READER, READER, STAFF, Account
from tests.rig.figure import Figure
from tests.rig.site import run_python
from tests.security.bar import Bar, Say
from tests.security.person import Person

IDENTITIES: dict[str, Account | None] = {
    "anonymous": None,
    "reader": READER,
    "member": MEMBER,
    "staff": STAFF,
    "deactivated": DEACTIVATED,
    # Cookies that come with a token don't count: these would read the personal topic.
    "token": READER,
}
# Of staff, who may publish, and read more than this.
TOKEN_TOPICS, TOKEN_RIGHTS = ("lab.matrix", "staff.*"), ("read", "history")
PUBLIC = "lab.matrix"
PERSONAL = f"user.{READER.user_id}"
GROUP = "group.editors"
STAFF_TOPIC = "staff.matrix"
# family's topic -> who reads it and its history
MAY_READ = {
    PUBLIC: set(IDENTITIES),
    PERSONAL: {"reader"},
    GROUP: {"member"},
    STAFF_TOPIC: {"staff", "token"},
}
MAY_PUBLISH = {"staff"}
# Further topics for the random attempts: nobody's, another one's, and none at all.
OTHERS = {f"user.{OTHER_READER.user_id}": set(), "group.nobody": set(), "notifications": set(IDENTITIES) - {"token"}}
NO_TOPICS = ("user", "user.", "group.", "secret", "staff", "admin.x")
AT_ONCE = 12
# A stream that stays silent this long after its first frame has nothing to leak for now.
SILENCE_S = 0.3


async def play(rig: Rig, count: int, say: Say, topics: Collection[str] = tuple(MAY_READ)) -> Outcome:
    """Try every cell of `topics`, and `count` random requests."""
    words = ("create_token", "staff", "--topics", *TOKEN_TOPICS, "--rights", *TOKEN_RIGHTS, "--life", "3600")
    token = (await asyncio.to_thread(run_python, rig.env, "manage.py", *words)).strip()
    people = {
        name: [Person(process.url, account, token if name == "token" else "") for process in rig.web]
        for name, account in IDENTITIES.items()
    }
    cells: Counter[str] = Counter()
    wrong: list[str] = []
    try:
        for topic in [*MAY_READ, *OTHERS]:
            for number in range(3):
                status, _ = await people["staff"][0].publishes(topic, f"a secret of {topic} {number}")
                assert status == 201, f"staff could not publish to {topic}: {status}"
        await _matrix(people, topics, cells, wrong)
        say(f"matrix: {cells.total()} cells, {len(wrong)} wrong")
        attempts = await _random_attempts(people, count, say)
    finally:
        await asyncio.gather(*(person.aclose() for each in people.values() for person in each))
    return Outcome(
        [
            *[Figure(f"cells of {right}", cells[right], at_least=100) for right in ("read", "history", "publish")],
            Figure("wrong cells", len(wrong), at_most=0),
            Figure("random attempts", attempts.tried, at_least=count),
            Figure("of these served", attempts.served),
            Figure("of these refused", attempts.refused),
            Figure("leaks", len(attempts.leaks), at_most=0),
            Figure("refused without a reason", len(attempts.refused_wrongly), at_most=0),
        ],
        findings=[*wrong[:10], *attempts.leaks[:10], *attempts.refused_wrongly[:10]],
    )


async def _matrix(
    people: dict[str, list[Person]], topics: Collection[str], cells: Counter[str], wrong: list[str]
) -> None:
    for door in (door.name for door in DOORS):
        for topic in topics:
            readers = MAY_READ[topic]
            for name, (person, *_) in people.items():
                # History: what is there already.
                cells["history"] += 1
                seen = await person.reads(door, topic, 3, after="start")
                got = seen if isinstance(seen, int) else seen.seqs(topic)[:3]
                if got != ([1, 2, 3] if name in readers else 403):
                    wrong.append(f"history of {topic} for {name} on {door}: {got}")
                # Read: what is new.
                cells["read"] += 1
                status = await person.refusal(door, topic)
                if status != (None if name in readers else 403):
                    wrong.append(f"{topic} for {name} on {door}: {status}")
            # Publish: everybody tries, and who may read sees the events of those who may publish, and no other.
            reader = people[next(iter(sorted(readers, key=list(IDENTITIES).index, reverse=True)))][-1]
            word = secrets.token_hex(4)
            tries = {name: await person.publishes(topic, f"{word} {name}") for name, (person, *_) in people.items()}
            highest = max(seq for _, seq in tries.values())
            seen = await reader.reads(door, topic, highest, after="start", limit=500)
            found = {event["data"] for event in seen.events} if not isinstance(seen, int) else set()
            for name, (status, _) in tries.items():
                cells["publish"] += 1
                expected = 201 if name in MAY_PUBLISH else 403
                if status != expected or (f"{word} {name}" in found) != (status == 201):
                    wrong.append(f"publish to {topic} by {name}, seen on {door}: {status}")


@dataclass
class _Attempts:
    tried: int = 0
    served: int = 0
    refused: int = 0
    leaks: list[str] = field(default_factory=list)
    refused_wrongly: list[str] = field(default_factory=list)


async def _random_attempts(people: dict[str, list[Person]], count: int, say: Say) -> _Attempts:
    """Ask for random topics from random places, while something secret is published to all of them all the time."""
    attempts = _Attempts()
    seed = secrets.randbits(32)
    say(f"random attempts with seed {seed}")
    rng = random.Random(seed)

    async def publish() -> None:
        while True:
            for topic in [*MAY_READ, *OTHERS]:
                await people["staff"][0].publishes(topic, "a secret that is new")

    async def attempt_until_done() -> None:
        while attempts.tried < count:
            attempts.tried += 1
            await _attempt(people, rng, attempts)

    publishing = asyncio.create_task(publish())
    try:
        await asyncio.gather(*(attempt_until_done() for _ in range(AT_ONCE)))
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
    return attempts


async def _attempt(people: dict[str, list[Person]], rng: random.Random, attempts: _Attempts) -> None:
    name = rng.choice(list(people))
    person = rng.choice(people[name])
    door = rng.choice(DOORS).name
    rights = MAY_READ | OTHERS
    mine = [topic for topic, readers in rights.items() if name in readers]
    pool = mine if rng.random() < 0.4 else [*rights, *NO_TOPICS]
    topics = rng.choices(pool, k=rng.randint(1, 4))
    may = all(topic in mine for topic in topics)
    asked = {"limit": rng.choice([1, 3, 500])}
    headers: dict[str, str] = {}
    # A cursor that names topics which were not asked for must not add them.
    cursor = "x~" + ",".join(f"{topic}:{rng.randint(0, 3)}" for topic in sorted(set(rng.choices(list(rights), k=3))))
    match rng.randint(0, 5):
        case 0:
            asked["after"] = "start"
        case 1:
            asked["after"] = "now"
        case 2:
            asked["last"] = rng.randint(0, 500)
        case 3:
            asked["after"] = cursor
        case 4:
            headers["Last-Event-ID"] = cursor
    what = f"{name} on {door}: {urlencode([('topic', topic) for topic in topics])} {asked} {headers}"
    events = []
    try:
        async with person.at(door).reads(*topics, headers=headers or None, **asked) as answers:
            for number in range(6):
                async with asyncio.timeout(SILENCE_S if number else 30):
                    events += (await anext(answers)).events
                if door in ("short_poll", "long_poll"):
                    break
    except (Refused, SocketClosed) as refusal:
        status = refusal.status if isinstance(refusal, Refused) else refusal.code - 4000
        attempts.refused += 1
        if may or status not in (400, 403, 404):
            attempts.refused_wrongly.append(f"{what}: {status}")
        return
    except (TimeoutError, StopAsyncIteration):
        pass
    attempts.served += 1
    if not may:
        attempts.leaks.append(f"{what}: served")
    attempts.leaks += [f"{what}: {event['topic']}" for event in events if name not in rights.get(event["topic"], ())]


BAR = Bar(
    "S2",
    "6 identities, one with a token, × 4 families × 5 doors × read, history, publish",
    play,
    full=10_000,
    short=150,
)
