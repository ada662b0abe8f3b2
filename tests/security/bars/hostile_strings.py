"""S5: texts made to break a frame out of its frame, through every door and three foreign parsers of SSE."""

import asyncio
import json
import random
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import websockets

from apps.transports.registry import DOORS
from tests.conformance.seeing import seeing
from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import STAFF
from tests.rig.chromium import open_chromium
from tests.rig.figure import Figure
from tests.security.bar import Bar, Say
from tests.security.foreign_parsers import Dispatched, Parser, chromiums, npm_eventsource, python_httpx_sse
from tests.security.person import Person, close_all
from tests.security.unharmed import Unharmed

TOPIC, LOBBY = "lab.strings", "chat.lobby"
STRINGS_PER_EVENT = 20  # of at most 100 characters: together well below the 16 KiB of an event
AT_ONCE = 8
LINES = 15  # less than what a connection to the chat may say at once
# What a stream may say beside events.
CONTROLS = {"ready", "heartbeat"}
# Pieces of the framings, and characters that some reader takes for the end of a line, of a text, or of a document.
PIECES = [
    *("\r", "\n", "\r\n", "\n\n", "\r\n\r\n", "\r\r", "\x00", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85"),
    *(
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffe",
        "\uffff",
        "\U0010ffff",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u0300",
        "\x1b[2J",
    ),
    *(
        "data: ",
        "data:",
        "id: ",
        "id:",
        "event: ",
        "event: injected",
        "event: close",
        "retry: 1",
        ": comment",
        "[DONE]",
    ),
    *('"', "\\", "\\n", "\\u000a", "\\u0000", "'", "`", "}", "{", "]", ",", "}\n{", '"}', "%0a", "%0d%0a", "%00", "+"),
    *("</script>", "<!--", "]]>", "\x81\x05", "\x88\x02\x03\xe8", "0\r\n\r\n", "5\r\nhello\r\n", "HTTP/1.1 200 OK"),
    *("a", "é", "语", "😀", "🇨🇳", "👩‍👩‍👧", "\U0001d11e", " ", "  ", "\t"),
]
WHOLE = [
    "\n\nevent: injected\ndata: {}\n\n",
    "\r\rdata: injected\r\r",
    "\r\n\r\nid: k3f9~lab.strings:999999\r\ndata: x\r\n\r\n",
    '"}\n{"control":"close","reason":"signed_out","cursor":"x~","retry_ms":0}\n',
    '"}}\n\ndata: {"topic":"lab.strings","seq":1,"type":"injected","time":"","data":{"',
    "\x00id: 0",
    "",
]
LONE = ["\ud800", "\udfff", "a\udc00b", "\udbff\u0041", "\udc00\ud800"]


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    unharmed = Unharmed(rig)
    seed = secrets.randbits(32)
    say(f"hostile strings with seed {seed}")
    rng = random.Random(seed)
    # A topic that other runs on the same site have not spoken in.
    topic = f"{TOPIC}.{seed:08x}"
    halves = count // 20
    strings = [_string(rng) for _ in range(count - halves)]
    groups = [strings[start : start + STRINGS_PER_EVENT] for start in range(0, len(strings), STRINGS_PER_EVENT)]
    staff = [Person(process.url, STAFF) for process in rig.web]
    wrong: list[str] = []
    try:
        taken = await _publish_halves(staff[0], topic, [_with_half(rng) for _ in range(halves)])
        published = await _publish(staff, topic, groups)
        said = await _say_in_chat(rig, rng)
        say(f"{len(strings)} strings in {len(published)} events published, {halves - taken} halves refused")
        doors = await _through_doors(rig, topic, published, wrong)
        say(f"read through {doors} doors")
        parsers = await _through_parsers(rig, topic, published, said, wrong)
        say(f"read with {parsers} foreign parsers")
        hostile_places = await _as_places(staff[0], topic, rng.sample(strings, count // 40), wrong)
    finally:
        await close_all(staff)
    return Outcome(
        [
            Figure("strings sent", len(strings) + halves, at_least=count),
            Figure("doors read them", doors, at_least=5),
            Figure("foreign parsers of SSE read them", parsers, at_least=3),
            Figure("lines of chat with them", len(said), at_least=LINES),
            Figure("cursors made of them", hostile_places),
            Figure("halves of surrogate pairs that were taken", taken, at_most=0),
            Figure("unequal at the other end, or injected", len(wrong), at_most=0),
            *unharmed.figures(),
        ],
        findings=[*wrong[:10], *unharmed.findings()],
    )


def _string(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return rng.choice(WHOLE)
    text = "".join(rng.choices(PIECES, k=rng.randint(1, 8)))
    if rng.random() < 0.3:
        text += "".join(_any_character(rng) for _ in range(4))
    return text[:100]


def _any_character(rng: random.Random) -> str:
    """Return any character of Unicode but half a surrogate pair, all of them as likely."""
    place = rng.randrange(0x110000 - 0x800)
    return chr(place if place < 0xD800 else place + 0x800)


def _with_half(rng: random.Random) -> str:
    return _string(rng)[:50] + rng.choice(LONE) + "x"


async def _publish(staff: Sequence[Person], topic: str, groups: list[list[str]]) -> dict[int, Any]:
    """Publish each group as an event, through all processes at once; return seq -> data."""
    published: dict[int, Any] = {}
    waiting = list(enumerate(groups))

    async def work() -> None:
        while waiting:
            number, group = waiting.pop()
            # The names of members are texts as well.
            data = {"strings": group, "named": {group[0]: number}}
            status, seq = await staff[number % len(staff)].publishes(topic, data)
            assert status == 201, f"{status} for {data}"
            published[seq] = data

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return published


async def _publish_halves(person: Person, topic: str, texts: list[str]) -> int:
    """Publish texts with half a surrogate pair; return how many were not refused with 400."""
    taken = 0
    for text in texts:
        # A client says it with an escape, since no UTF-8 can.
        body = json.dumps({"type": "test.happened", "data": {text: [text]}})
        taken += await person.posts(f"/api/topics/{topic}/events", body) != 400
    return taken


async def _say_in_chat(rig: Rig, rng: random.Random) -> list[str]:
    """Say LINES lines, under a name of that kind; return those that were said, as the room has cleaned them."""
    said: list[str] = []
    sent = 0
    async with (
        websockets.connect(
            f"{rig.web[0].ws_url}/ws/chat/?{urlencode({'name': rng.choice(WHOLE)})}",
            proxy=None,
            compression=None,
            subprotocols=[websockets.Subprotocol("chat.v1.json")],
        ) as chat,
        asyncio.timeout(60),
    ):
        while sent < LINES:
            line = f"line {sent} {_string(rng)} end"
            await chat.send(json.dumps({"chat": "line", "text": line, "id": secrets.token_hex(8)}))
            sent += 1
        while len(said) < LINES:
            frame = json.loads(await chat.recv())
            if frame.get("type") == "chat.line" and frame["data"]["text"].startswith(f"line {len(said)} "):
                said.append(frame["data"]["text"])
    return said


async def _through_doors(rig: Rig, topic: str, published: dict[int, Any], wrong: list[str]) -> int:
    """Read all of it on every door; note what differs, and return how many doors told everything."""
    whole = 0
    for number, door in enumerate(DOORS):
        reader = Person(rig.web[number % len(rig.web)].url, None)
        try:
            async with seeing(reader.at(door.name), topic, after="start", limit=500) as seen:
                await seen.until_seq(max(published))
            found = {event["seq"]: event["data"] for event in seen.events}
            wrong += [f"{door.name}: {seq} differs" for seq in published if found.get(seq) != published[seq]]
            odd = set(seen.controls) - CONTROLS
            if len(seen.events) != len(published) or odd:
                wrong.append(f"{door.name}: {len(seen.events)} events for {len(published)}, controls {odd}")
            whole += found == published
        finally:
            await reader.aclose()
    return whole


async def _through_parsers(rig: Rig, topic: str, published: dict[int, Any], said: list[str], wrong: list[str]) -> int:
    """Read all of it, and the chat, with each foreign parser, through Caddy; return how many told everything."""
    url = f"{rig.url}/feed/sse?{urlencode({'topic': topic, 'after': 'start'})}"
    lobby = f"{rig.url}/feed/sse?{urlencode({'topic': LOBBY, 'last': len(said)})}"
    whole = 0
    async with open_chromium() as browser:
        page = await browser.new_page()
        # A document of the same origin whose policy lets it open streams.
        await page.goto(f"{rig.url}/static/transports/registry.js")
        parsers: dict[str, Parser] = {
            "httpx-sse": python_httpx_sse,
            "npm eventsource": npm_eventsource,
            "Chromium": chromiums(page),
        }
        for name, parse in parsers.items():
            found = await parse(url, len(published))
            whole += _compare(name, found, published, wrong)
            lines = [
                json.loads(one.data)["data"]["text"] for one in await parse(lobby, len(said)) if one.name == "message"
            ]
            if lines != said:
                wrong.append(f"{name}: the chat's lines differ: {lines} for {said}")
    return whole


def _compare(name: str, found: list[Dispatched], published: dict[int, Any], wrong: list[str]) -> bool:
    events = [json.loads(one.data) for one in found if one.name == "message"]
    data = {event["seq"]: event["data"] for event in events}
    odd = {one.name for one in found} - {"message"} - CONTROLS
    ids = [one.id.rpartition(":")[2] for one in found if one.name == "message"]
    is_whole = data == published and not odd and ids == [str(seq) for seq in sorted(published)]
    if not is_whole or len(events) != len(published):
        wrong.append(f"{name}: {len(events)} events for {len(published)}, others {odd}, equal: {data == published}")
    return is_whole


async def _as_places(person: Person, topic: str, strings: list[str], wrong: list[str]) -> int:
    """Come to each door with the strings as cursors and topics: what is told back must not be theirs to shape."""
    tried = 0
    for string in strings:
        for door in DOORS:
            for asked in ({"topic": topic, "after": string}, {"topic": string}, {"topic": topic, "last": string}):
                if "after" in asked and not string.strip():
                    continue  # none is given
                tried += 1
                status = await _refusal_of(person, door.name, asked)
                if status not in (400, 404):
                    wrong.append(f"{door.name} with {asked}: {status}")
    return tried


async def _refusal_of(person: Person, door: str, asked: dict[str, str]) -> int | None:
    rest = {name: value for name, value in asked.items() if name != "topic"}
    return await person.refusal(door, asked["topic"], **rest)


BAR = Bar(
    "S5",
    "strings with CR, LF, NUL, U+2028 and their like, through five doors and three parsers of SSE",
    play,
    full=10_000,
    short=400,
)
