"""S7: too much of everything: bodies, WebSocket messages, nesting, digits."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import websockets

from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import STAFF, Account
from tests.rig.figure import Figure
from tests.security.bar import Bar, Say
from tests.security.memory import watched
from tests.security.unharmed import Unharmed

KIB, MIB = 1024, 1024 * 1024
PIECE = b"x" * 256 * KIB
WARM_UP_MIB = 2  # the smallest that every server refuses
MESSAGE_BYTES = 2 * MIB
PATIENCE_S = 120
# Where a body is expected, and where it is not.
PATHS = ("/api/topics/lab.oversize/events", "/assistant/answer", "/feed/poll?topic=lab.oversize", "/nowhere/")
SOCKETS = ("/ws/chat/", "/feed/ws?topic=lab.oversize")
DEEP = "[" * 100_000
DIGITS = "9" * 5_000


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    """Send `count` MiB to each place, and the rest once."""
    unharmed = Unharmed(rig)
    origins = {"Caddy": rig.url, "a web process": rig.web[0].url}
    wrong: list[str] = []
    # Twice: the first time loads what each kind of request needs for good, which is not the attack's doing.
    json_answers = 0
    for is_warm in (False, True):
        with watched(rig) as memory:
            for where, origin in origins.items():
                for path in PATHS:
                    for framing in ("a length", "chunks"):
                        status = await _posts(
                            origin, path, count if is_warm else WARM_UP_MIB, chunked=framing == "chunks"
                        )
                        if status != 413:
                            wrong.append(f"{count} MiB with {framing} to {path} at {where}: {status}")
                say(f"{where}: bodies of {count if is_warm else WARM_UP_MIB} MiB sent")
                for path in SOCKETS:
                    for is_whole in (True, False):
                        code = await _close_code(origin, path, whole=is_whole)
                        if code != 1009:
                            wrong.append(f"{MESSAGE_BYTES} bytes to {path} at {where}: closed with {code}")
            answers = await _json_answers(rig.web[0].url)
            json_answers = len(answers)
            wrong += [f"{what}: {status}" for what, status in answers.items() if status != 400]
            wrong += [f"chat, {what}: {code}" for what, code in (await _chat_answers(rig.web[0].url)).items() if code]
    grown = memory.grown_mib
    bodies = len(origins) * len(PATHS) * 2
    return Outcome(
        [
            Figure(f"bodies of {count} MiB sent", bodies, at_least=16),
            Figure("messages of 2 MiB sent", len(origins) * len(SOCKETS) * 2, at_least=8),
            Figure("texts of JSON too deep or with too long a number", json_answers, at_least=8),
            Figure("not answered with 413, 1009 and 400", len(wrong), at_most=0),
            Figure("growth of the web processes, at most", max(grown[p.name] for p in rig.web), "MiB", at_most=16),
            Figure("growth of Caddy", grown[rig.caddy.name], "MiB", at_most=16),
            *unharmed.figures(),
        ],
        findings=[*wrong[:20], *unharmed.findings()],
    )


async def _posts(origin: str, path: str, mib: int, *, chunked: bool) -> int:
    """Send a body of `mib` MiB, or as much of it as is taken, whatever is answered; return the status."""
    url = httpx.URL(origin)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {mib * MIB}"
    head = f"POST {path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    answer = asyncio.create_task(reader.readline())
    try:
        writer.write(head.encode())
        async for piece in _pieces(mib, chunked):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass  # what it has said before it left is read below
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = await answer
    except ConnectionError:
        return 0
    finally:
        writer.transport.abort()
    return int(line.split()[1]) if line else 0


async def _pieces(mib: int, chunked: bool) -> AsyncIterator[bytes]:
    piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE
    for _ in range(mib * MIB // len(PIECE)):
        yield piece
    if chunked:
        yield b"0\r\n\r\n"


async def _close_code(origin: str, path: str, *, whole: bool) -> int | None:
    """Send a message of MESSAGE_BYTES in one frame or in fragments; return the code that the server closes with."""
    async with websockets.connect(
        origin.replace("http", "ws", 1) + path, proxy=None, compression=None, max_queue=None
    ) as connection:
        try:
            async with asyncio.timeout(PATIENCE_S):
                pieces = [PIECE[: 32 * KIB]] * (MESSAGE_BYTES // (32 * KIB))
                await connection.send(b"".join(pieces).decode() if whole else iter([p.decode() for p in pieces]))
                while True:
                    await connection.recv()
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


async def _json_answers(origin: str) -> dict[str, int]:
    """Return what was sent in words -> the status that answered."""
    answers: dict[str, int] = {}
    staff = _headers_of(STAFF, origin)
    async with httpx.AsyncClient(base_url=origin, timeout=PATIENCE_S, trust_env=False, verify=False) as client:
        await client.get("/lab/")
        run = (await client.post("/lab/runs", headers=_csrf(client, origin))).json()["run"]
        places: dict[str, Callable[[str], tuple[str, str, dict[str, str]]]] = {
            "API": lambda it: ("/api/topics/lab.oversize/events", f'{{"type":"a.b","data":{it}}}', staff),
            "lab, events": lambda it: (f"/lab/runs/{run}/events", f'{{"size":{it}}}', _csrf(client, origin)),
            "lab, faults": lambda it: (f"/lab/runs/{run}/faults", f'{{"fault":{it}}}', _csrf(client, origin)),
            "assistant": lambda it: ("/assistant/answer", f'{{"q":{it}}}', {}),
        }
        for place, request in places.items():
            values = {"too deep": DEEP, "5,000 digits": DIGITS, "closed again": "[" * 900 + "]" * 900}
            for what, value in values.items():
                path, body, headers = request(value)
                # These take no body of 100 KB at all, which is 413: as deep as what they take.
                if len(body) > 30_000 and place != "API":
                    path, body, headers = request(value[:30_000])
                headers = {"Content-Type": "application/json", **headers}
                answers[f"{place}, {what}"] = (await client.post(path, content=body, headers=headers)).status_code
    return answers


async def _chat_answers(origin: str) -> dict[str, str]:
    """Return what was sent in words -> what came instead of an answer that says what was wrong."""
    answers: dict[str, str] = {}
    async with websockets.connect(
        origin.replace("http", "ws", 1) + "/ws/chat/",
        proxy=None,
        compression=None,
        subprotocols=[websockets.Subprotocol("chat.v1.json")],
    ) as chat:
        for what, value in {
            "too deep": DEEP[:30_000],
            "a bit too deep": "[" * 900 + "]" * 900,
            "digits": DIGITS,
        }.items():
            await chat.send(f'{{"chat":{value}}}')
            async with asyncio.timeout(PATIENCE_S):
                while '"chat":"error"' not in (frame := str(await chat.recv())):
                    pass
            answers[what] = "" if '"bad_frame"' in frame else frame
    return answers


def _headers_of(account: Account, origin: str) -> dict[str, str]:
    cookies = account.cookies()
    return {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRFToken": cookies["csrftoken"],
        "Origin": origin,
    }


def _csrf(client: httpx.AsyncClient, origin: str) -> dict[str, str]:
    return {"X-CSRFToken": client.cookies["csrftoken"], "Origin": origin}


BAR = Bar(
    "S7",
    "200 MiB bodies through the proxy and past it, 2 MiB messages, JSON 100,000 deep, numbers of 5,000 digits",
    play,
    full=200,
    short=24,
)
