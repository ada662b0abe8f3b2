"""Small raw ASGI applications, each one way to use or misuse the server. Only tests serve them."""

import asyncio
import gc
import json
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from twisted.internet import reactor

from apps.server.status import status
from tests.server.marks import mark

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CHUNK = b"x" * 65_536
_listen = asyncio.Event()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await APPLICATIONS[scope["type"], scope["path"]](scope, receive, send)


async def start(send: Send, status_code: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status_code, "headers": list(headers)})


async def chunk(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def answer(send: Send, value: Any, status_code: int = 200) -> None:
    body = json.dumps(value).encode()
    await start(send, status_code, (b"content-length", str(len(body)).encode()))
    await chunk(send, body, more=False)


# HTTP


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, "hello")


async def ready(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, {"draining": status.draining}, 503 if status.draining else 200)


async def process(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what this process and its connections are set to."""
    sockets = [reader.socket for reader in reactor.getReaders() if hasattr(reader, "channel")]  # type: ignore[attr-defined]
    options = [
        {
            "SO_KEEPALIVE": accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            "TCP_USER_TIMEOUT": accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
        }
        for accepted in sockets
    ]
    await answer(
        send,
        {
            "sockets": options,
            "gc_threshold": gc.get_threshold(),
            "gc_frozen": gc.get_freeze_count(),
            "stalled_cut": status.stalled_cut,
            "bodies_refused": status.bodies_refused,
            "messages_refused": status.messages_refused,
        },
    )


async def body_size(scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    mark("body", size)
    await answer(send, size)


async def firehose(scope: Scope, receive: Receive, send: Send) -> None:
    """Send as fast as `send` lets it, until the client is gone."""
    await start(send)
    await _pour(receive, lambda: chunk(send, CHUNK), "http.disconnect")


async def big(scope: Scope, receive: Receive, send: Send) -> None:
    """Send more than the kernel takes, and be done."""
    await answer(send, "x" * 33_554_432)
    mark("big ended")


async def count(scope: Scope, receive: Receive, send: Send) -> None:
    """Count to `to` in lines or messages of `size` bytes, through the outlet where it takes them."""
    asked = dict(parse_qsl(scope["query_string"].decode()))
    outlet = scope["extensions"].get("fanout")
    early = None if outlet is None else outlet.frame
    is_socket = scope["type"] == "websocket"
    await (accept(receive, send) if is_socket else start(send))

    def line(number: int) -> str:
        return f"{number}".ljust(int(asked["size"]), ".") + ("" if is_socket else "\n")

    async def say(text: str) -> None:
        await (send({"type": "websocket.send", "text": text}) if is_socket else chunk(send, text.encode()))

    await say(line(0))
    frame = None if outlet is None else outlet.frame
    await asyncio.sleep(0.05)  # what was said is on its way
    mark("count", early and early.__name__, frame and frame.__name__)
    pushed = 0
    for number in range(1, int(asked["to"])):
        if frame is not None and outlet.send(frame(line(number).encode())):
            pushed += 1
        else:
            await say(line(number))
        if number % 10 == 0:
            await asyncio.sleep(0)
    await (send({"type": "websocket.close"}) if is_socket else chunk(send, b"", more=False))
    after = frame is not None and (outlet.frame is not None or outlet.send(frame(b"too late")))
    mark("counted", pushed, after)


async def count_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
    """Push until the client has gone, then once more."""
    await start(send)
    await chunk(send, b"ready\n")
    outlet = scope["extensions"]["fanout"]
    leaving = asyncio.create_task(_until_disconnect(receive))
    while not leaving.done():
        outlet.send(outlet.frame(b"on and on\n"))
        await asyncio.sleep(0.001)
    mark("left", outlet.frame, outlet.send(b"too late"))


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Say `ready`, then goodbye when the drain asks for it."""
    await start(send)
    await chunk(send, b"ready\n")
    drain = scope["extensions"]["drain"]
    assert not drain.started
    goodbye = await drain.wait()
    assert drain.started
    again = await drain.wait()
    assert again.deadline_s <= goodbye.deadline_s
    await chunk(send, b"close %d %d\n" % (goodbye.retry_ms, goodbye.deadline_s * 1000), more=False)
    mark("stream closed")


async def long_poll(scope: Scope, receive: Receive, send: Send) -> None:
    mark("long poll waits")
    await scope["extensions"]["drain"].wait()
    await answer(send, [])


async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
    """Work on whatever the server says, in a task of its own as Django's handler does, until the client leaves."""

    async def view() -> None:
        try:
            await start(send)
            await chunk(send, b"ready\n")
            await asyncio.Event().wait()
        finally:
            mark("finally stubborn")

    work = asyncio.create_task(view())
    while (await receive())["type"] != "http.disconnect":
        pass
    mark("told", "http.disconnect")
    work.cancel()
    await asyncio.wait([work])


async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
    """Neither watch the drain nor receive; leave a task in the background too."""

    async def background() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            mark("finally background")

    task = asyncio.create_task(background())
    try:
        await start(send)
        await chunk(send, b"ready\n")
        await asyncio.Event().wait()
    finally:
        mark("finally deaf")
        del task


async def hanging_thread(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await chunk(send, b"ready\n")
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)


async def raise_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await chunk(send, b"half")
    raise RuntimeError("planted")


async def return_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await chunk(send, b"half")


async def return_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    pass


async def listen(scope: Scope, receive: Receive, send: Send) -> None:
    _listen.set()
    await answer(send, None)


# WebSocket


async def accept(receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    mark("echo ended with", message["code"])


async def socket_firehose(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    await _pour(receive, lambda: send({"type": "websocket.send", "bytes": CHUNK}), "websocket.disconnect")


async def goodbye(scope: Scope, receive: Receive, send: Send) -> None:
    """Close with a code of its own when the drain asks for it."""
    await accept(receive, send)
    await send({"type": "websocket.send", "text": "ready"})
    try:
        said = await scope["extensions"]["drain"].wait()
        await send({"type": "websocket.close", "code": 4503, "reason": f"restarting; come back in {said.retry_ms} ms"})
        assert (await receive())["type"] == "websocket.disconnect"
    finally:
        mark("finally goodbye")


async def late_listener(scope: Scope, receive: Receive, send: Send) -> None:
    """Receive nothing until GET /listen; then say how many messages came, and whether in order."""
    await accept(receive, send)
    await send({"type": "websocket.send", "text": "ready"})
    await _listen.wait()
    count = 0
    while (text := (await receive())["text"]) != "end":
        assert text == "" or int(text) == count
        count += 1
    await send({"type": "websocket.send", "text": str(count)})


async def close_with_reason(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    await send({"type": "websocket.close", "code": 4403, "reason": "不" * 100})


async def say_nothing_then_empty(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    await send({"type": "websocket.send", "text": ""})
    await send({"type": "websocket.send", "bytes": b""})
    await send({"type": "websocket.send", "text": "after"})
    mark("received", repr((await receive()).get("text")))


async def raise_after_accept(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    raise RuntimeError("planted")


async def return_after_accept(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)


async def send_after_the_end(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(receive, send)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    await send({"type": "websocket.send", "text": "too late"})
    mark("sent into the void")


async def never_accept(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    mark("waits to accept")
    await _listen.wait()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": (await receive())["text"]})


async def _pour(receive: Receive, pour: Callable[[], Awaitable[None]], end: str) -> None:
    sent = 0

    async def forever() -> None:
        nonlocal sent
        while True:
            await pour()
            sent += len(CHUNK)
            # Daphne's own `send` never waits; without this nothing else would run.
            await asyncio.sleep(0)

    pouring = asyncio.create_task(forever())
    received = 0
    while (await receive())["type"] != end:
        received += 1
    pouring.cancel()
    mark("firehose ended", sent, received)


APPLICATIONS = {
    ("http", "/hello"): hello,
    ("http", "/ready"): ready,
    ("http", "/process"): process,
    ("http", "/body"): body_size,
    ("http", "/firehose"): firehose,
    ("http", "/big"): big,
    ("http", "/stream"): stream,
    ("http", "/count"): count,
    ("http", "/count-for-ever"): count_for_ever,
    ("http", "/long-poll"): long_poll,
    ("http", "/stubborn"): stubborn,
    ("http", "/deaf"): deaf,
    ("http", "/hanging-thread"): hanging_thread,
    ("http", "/raise-halfway"): raise_halfway,
    ("http", "/return-halfway"): return_halfway,
    ("http", "/return-at-once"): return_at_once,
    ("http", "/listen"): listen,
    ("websocket", "/echo"): echo,
    ("websocket", "/count"): count,
    ("websocket", "/firehose"): socket_firehose,
    ("websocket", "/goodbye"): goodbye,
    ("websocket", "/late-listener"): late_listener,
    ("websocket", "/close-with-reason"): close_with_reason,
    ("websocket", "/empty"): say_nothing_then_empty,
    ("websocket", "/raise-after-accept"): raise_after_accept,
    ("websocket", "/return-after-accept"): return_after_accept,
    ("websocket", "/send-after-the-end"): send_after_the_end,
    ("websocket", "/never-accept"): never_accept,
}
