"""S1: pages of other sites open WebSockets with the reader's cookie."""

from urllib.parse import urlsplit

import websockets

from tests.conformance.wires import SocketClosed, _NetworkSocket
from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import READER
from tests.rig.figure import Figure
from tests.security.bar import Bar, Say

PUBLIC, PRIVATE = "lab.origins", f"user.{READER.user_id}"
# Both are reached with the cookies of the site.
PATHS = ("/feed/ws?topic=lab.origins", "/ws/chat/")


def hostile_origins(own: str) -> list[str]:
    """Return origins that look like `own` (http://127.0.0.1:20123), or like nothing at all."""
    host, port = urlsplit(own).hostname, urlsplit(own).port or 80
    return [
        "http://evil.example",
        f"https://{host}:{port}",  # another scheme
        f"http://{host}:{port + 1}",  # another port
        f"http://{host}",  # the default port
        f"http://sub.{host}:{port}",
        f"http://{host}.evil.example:{port}",
        f"http://evil{host}:{port}",
        f"http://{host}:{port}@evil.example",
        f"http://localhost:{port}",  # the same machine by another name
        f"http://{host}:{port}, http://evil.example",
        "null",  # a sandboxed frame, a file
        "file://",
    ]


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    # One web process, past Caddy: it is what decides.
    own = rig.web[0].url
    cookie = {"Cookie": f"sessionid={READER.session_key}"}
    served: list[str] = []
    tried = 0
    for origin in hostile_origins(own):
        for headers in ({}, cookie):
            for path in PATHS:
                tried += 1
                if await _is_served(own, path, {**headers, "Origin": origin}):
                    served.append(f"{path} from {origin!r} with {headers}")
    without_origin = [path for path in PATHS if await _is_served(own, path, cookie)]
    not_served = [
        *[path for path in PATHS if not await _is_served(own, path, {})],
        *[path for path in PATHS if not await _is_served(own, path, {**cookie, "Origin": own})],
    ]
    # A terminal client is served, and as nobody in particular.
    private = await _is_served(own, f"/feed/ws?topic={PRIVATE}", {})
    return Outcome(
        [
            Figure("hostile handshakes tried", tried, at_least=24),
            Figure("served", len(served), at_most=0),
            Figure("served without an Origin but with a session", len(without_origin), at_most=0),
            Figure("terminal clients and own pages refused", len(not_served), at_most=0),
            Figure("private topics served to a terminal client", int(private), at_most=0),
        ],
        findings=[*served, *without_origin, *not_served],
    )


async def _is_served(url: str, path: str, headers: dict[str, str]) -> bool:
    try:
        async with websockets.connect(
            url.replace("http", "ws", 1) + path, additional_headers=headers, proxy=None, compression=None
        ) as connection:
            # An open socket is not yet a served one: a refusal closes it.
            await _NetworkSocket(connection).receive()
            return True
    except (websockets.InvalidStatus, SocketClosed):
        return False


BAR = Bar("S1", "12 hostile origins on WebSocket, and none", play, full=1, short=1)
