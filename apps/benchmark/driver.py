"""The load: thousands of connections in one process that does as little as it can.

It runs alone (`python driver.py`, standard library only) on a core of its own and takes one JSON object a line on its
standard input; each is answered with one or more lines. While events come it only reads, with a time beside each
chunk; what was in the chunks is looked at when the last one has come. So a delivery costs it a few microseconds, less
than any server needs to send it, and it says how busy it was.

A delivery is an event that arrived at one client. Events carry `"n":<number>,"t":<nanoseconds>`: which one it is, and
when it was meant to be published, by the monotonic clock that all processes of a machine share.
"""

import base64
import errno
import fcntl
import gc
import itertools
import json
import os
import re
import select
import socket
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterable
from typing import Any

EVENT = re.compile(rb'"n":(\d+),"t":(\d+)[,}]')
MARK = b'"n":'
CURSOR = re.compile(rb'"cursor":"([^"]*)"')
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PONG = b"\x8a\x80\0\0\0\0"  # a masked WebSocket frame without content
PONG_EVERY_S, QUIET_PONG_EVERY_S = 5.0, 12.0
READ_BYTES = 16 * 1024
# Kept in the answers: enough to draw a distribution from.
QUANTILES = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 100)
# Of the connections whose receive buffers are watched while nobody reads them.
WATCHED = 50


class Connections:
    """Open connections by file descriptor, and what each received."""

    def __init__(self) -> None:
        self.sockets: dict[int, socket.socket] = {}
        self.chunks: dict[int, list[tuple[int, bytes]]] = {}
        self.broken = 0
        self.poll = select.epoll()

    def add(self, connection: socket.socket, first: bytes) -> None:
        fd = connection.fileno()
        self.sockets[fd] = connection
        self.chunks[fd] = [(time.monotonic_ns(), first)] if first else []
        self.poll.register(fd, select.EPOLLIN)

    def drop(self, fd: int) -> None:
        self.broken += 1
        self.poll.unregister(fd)
        self.sockets.pop(fd).close()

    def forget_chunks(self) -> None:
        for chunks in self.chunks.values():
            chunks.clear()

    def close(self) -> None:
        for connection in self.sockets.values():
            connection.close()
        self.sockets.clear()
        self.chunks.clear()


def answer(**members: Any) -> None:
    """Write one line for whoever gave the order."""
    print(json.dumps(members), flush=True)


def connect(
    open_: Connections,
    addresses: list[tuple[str, int]],
    clients: int,
    request: str,
    ready: str,
    at_once: int,
    pong: bool = False,
) -> None:
    """Open `clients` connections, spread over `addresses`, `at_once` at a time; answer with how long that took.

    Args:
        request: the head of the HTTP request, with `{key}` where a WebSocket's key belongs.
        ready: what the server has said once a client is connected.
        pong: whether those that are connected already say so now and then, see `say_pong`.
    """
    waiting: dict[int, tuple[socket.socket, bytes, bool]] = {}
    poll = select.epoll()
    failures: dict[str, int] = {}
    began = time.monotonic()
    last = ponged = began
    started = finished = 0
    while finished < clients:
        while started < clients and len(waiting) < at_once:
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = connection.connect_ex(tuple(addresses[started % len(addresses)]))
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, os.strerror(code))
            waiting[connection.fileno()] = (connection, b"", False)
            poll.register(connection.fileno(), select.EPOLLOUT)
            started += 1
        for fd, _ in poll.poll(1):
            connection, head, sent = waiting[fd]
            try:
                if not sent:
                    key = base64.b64encode(os.urandom(16)).decode()
                    connection.sendall(request.replace("{key}", key).encode())
                    waiting[fd] = (connection, head, True)
                    poll.modify(fd, select.EPOLLIN)
                    continue
                chunk = connection.recv(READ_BYTES)
                if not chunk:
                    raise ConnectionResetError(head[:200].decode("latin-1") or "closed without an answer")
            except OSError as error:
                failures[str(error)] = failures.get(str(error), 0) + 1
                poll.unregister(fd)
                waiting.pop(fd)[0].close()
                finished += 1
                continue
            head += chunk
            waiting[fd] = (connection, head, True)
            if ready.encode() in head:
                poll.unregister(fd)
                del waiting[fd]
                open_.add(connection, head)
                finished += 1
                last = time.monotonic()
        if pong and time.monotonic() - ponged > PONG_EVERY_S:
            say_pong(open_)
            ponged = time.monotonic()
        if time.monotonic() - last > 30:
            failures["no answer within 30 s"] = len(waiting)
            for connection, _, _ in waiting.values():
                connection.close()
            break
    poll.close()
    answer(connected=len(open_.sockets), seconds=last - began, failures=failures)


def say_pong(open_: Connections) -> None:
    """Send a pong on every WebSocket, unasked: a server that pings now and then would else take it for dead."""
    for fd, connection in list(open_.sockets.items()):
        try:
            connection.send(PONG)
        except OSError:
            open_.drop(fd)  # its events are counted as lost


def collect(
    open_: Connections, first: int, events: int, silence_s: float, at_most_s: float, pong: bool = False
) -> None:
    """Read until every client has `events` events from number `first` on, or none came for `silence_s`.

    Answers with `listening`, with `done` at the end, and then with what was received.
    """
    open_.forget_chunks()
    if pong:
        say_pong(open_)
    ponged_s = time.monotonic()
    expected = events * len(open_.sockets)
    poll, chunks = open_.poll.poll, open_.chunks
    read, now_ns = os.read, time.monotonic_ns
    seen = 0
    answer(listening=True)
    began_s = last_s = time.monotonic()
    cpu_s = 0.0
    busy_from = busy_from_cpu = None
    while seen < expected and last_s - began_s < at_most_s:
        # Rarely: the server has to read them, and that is counted as its work.
        if pong and time.monotonic() - ponged_s > QUIET_PONG_EVERY_S:
            say_pong(open_)
            ponged_s = time.monotonic()
        ready = poll(0.05, 4096)
        if ready and busy_from is None:
            busy_from, busy_from_cpu = time.monotonic(), time.process_time()
        at = now_ns()
        for fd, _ in ready:
            try:
                chunk = read(fd, READ_BYTES)
            except OSError:
                chunk = b""
            if not chunk:
                open_.drop(fd)
                continue
            chunks[fd].append((now_ns(), chunk))
            seen += chunk.count(MARK)
        moment_s = at / 1e9
        if ready:
            last_s = moment_s
            cpu_s = time.process_time()
        elif moment_s - last_s > silence_s:
            break
    busy = (cpu_s - busy_from_cpu) / max(last_s - busy_from, 1e-9) if busy_from and busy_from_cpu is not None else 0.0
    answer(done=True)
    answer(driver_busy=round(busy, 3), broken=open_.broken, **_received(open_.chunks.values(), first, events))


def sink(open_: Connections, first: int, events: int, silence_s: float, at_most_s: float) -> None:
    """Do as `collect` does, but leave what comes in the kernel until nothing more comes: the driver takes no time.

    Arrival is seen in the receive buffers of a sample of the connections, every 5 ms.
    """
    open_.forget_chunks()
    sample = list(open_.sockets)[:: max(1, len(open_.sockets) // WATCHED)]
    word = struct.pack("i", 0)

    def waiting_bytes() -> int:
        return sum(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, word))[0] for fd in sample)

    answer(listening=True)
    began_s = last_s = time.monotonic()
    began_ns = 0
    before = waiting_bytes()
    while (now_s := time.monotonic()) - began_s < at_most_s and (not began_ns or now_s - last_s < silence_s):
        time.sleep(0.005)
        if (waiting := waiting_bytes()) != before:
            began_ns = began_ns or time.monotonic_ns()
            before, last_s = waiting, time.monotonic()
    answer(done=True)
    for fd, _ in open_.poll.poll(0, 100_000):
        with_all = b""
        while True:
            try:
                chunk = open_.sockets[fd].recv(1 << 20)
            except BlockingIOError:
                break
            if not chunk:
                open_.broken += 1
                break
            with_all += chunk
        open_.chunks[fd].append((int(last_s * 1e9), with_all))
    received = _received(open_.chunks.values(), first, events)
    answer(driver_busy=0.0, broken=open_.broken, **received | {"seconds": last_s - began_ns / 1e9})


def _received(by_client: Iterable[list[tuple[int, bytes]]], first: int, events: int) -> dict[str, Any]:
    """Say what is in the chunks: how many, how late, what is missing, twice or out of order, and how many bytes."""
    late_ns: list[int] = []
    lost = duplicated = out_of_order = bytes_ = 0
    first_ns, last_ns = 1 << 62, 0
    numbers = range(first, first + events)
    for chunks in by_client:
        seen: list[int] = []
        carry = b""
        for at_ns, chunk in chunks:
            bytes_ += len(chunk)
            text = carry + chunk
            end = 0
            for match in EVENT.finditer(text):
                end = match.end()
                number = int(match[1])
                if number in numbers:
                    due_ns = int(match[2])
                    seen.append(number)
                    late_ns.append(at_ns - due_ns)
                    first_ns, last_ns = min(first_ns, due_ns), max(last_ns, at_ns)
            carry = text[end:][-128:]
        distinct = len(set(seen))
        lost += events - distinct
        duplicated += len(seen) - distinct
        out_of_order += sum(later < earlier for earlier, later in itertools.pairwise(seen))
    late_ns.sort()
    return {
        "deliveries": len(late_ns),
        "seconds": max(0.0, (last_ns - first_ns) / 1e9),
        "lost": lost,
        "duplicated": duplicated,
        "out_of_order": out_of_order,
        "bytes": bytes_,
        "late_ms": _quantiles_ms(late_ns),
    }


def _quantiles_ms(sorted_ns: list[int]) -> dict[str, float]:
    if not sorted_ns:
        return {}
    last = len(sorted_ns) - 1
    return {f"{q:g}": round(sorted_ns[round(q / 100 * last)] / 1e6, 3) for q in QUANTILES}


def ask(
    open_: Connections, addresses: list[tuple[str, int]], clients: int, request: str, warm_up_s: float, seconds: float
) -> None:
    """Ask on every connection, again as soon as it is answered: first to warm up, then for `seconds`.

    Answers with `listening` in between, with `done`, and with how many requests were answered.
    """
    _open_plain(open_, addresses, clients)
    poll, sockets = open_.poll.poll, open_.sockets
    words = request.encode()
    asked_ns = dict.fromkeys(sockets, time.monotonic_ns())
    buffers = dict.fromkeys(sockets, b"")
    for connection in sockets.values():
        connection.sendall(words)
    for span_s in (warm_up_s, seconds):
        took_ns: list[int] = []
        statuses: dict[str, int] = {}
        began, began_cpu = time.monotonic(), time.process_time()
        while (now := time.monotonic()) - began < span_s and sockets:
            for fd, _ in poll(0.05):
                chunk = os.read(fd, READ_BYTES)
                if not chunk:
                    open_.drop(fd)
                    continue
                buffers[fd] += chunk
                if not _is_whole(buffers[fd]):
                    continue
                status = buffers[fd][9:12].decode("latin-1")
                statuses[status] = statuses.get(status, 0) + 1
                buffers[fd] = b""
                at_ns = time.monotonic_ns()
                took_ns.append(at_ns - asked_ns[fd])
                asked_ns[fd] = at_ns
                sockets[fd].sendall(words)
        answer(**({"listening": True} if span_s is warm_up_s else {"done": True}))
    busy = (time.process_time() - began_cpu) / (now - began)
    took_ns.sort()
    answer(
        requests=len(took_ns),
        seconds=now - began,
        statuses=statuses,
        broken=open_.broken,
        driver_busy=round(busy, 3),
        late_ms=_quantiles_ms(took_ns),
    )


def long_poll(
    open_: Connections,
    addresses: list[tuple[str, int]],
    clients: int,
    request: str,
    cursor: str,
    warm_up: int,
    first: int,
    events: int,
    at_most_s: float,
) -> None:
    """Wait on every connection for an answer and ask again from its cursor, until all events came to each.

    Answers with `listening`, with `warm` once `warm_up` events have come, with `done`, and with what was received.

    Args:
        request: with `{cursor}` where the cursor belongs.
        cursor: the first one.
        warm_up: events before number `first`.
    """
    _open_plain(open_, addresses, clients)
    poll, sockets = open_.poll.poll, open_.sockets
    buffers = dict.fromkeys(sockets, b"")
    head, placeholder, tail = request.partition("{cursor}")
    after = cursor if placeholder else ""
    for connection in sockets.values():
        connection.sendall((head + after + tail).encode())
    answer(listening=True)
    seen = 0
    began = time.monotonic()
    for wanted, stage in ((warm_up, "warm"), (warm_up + events, "done")):
        busy_from, busy_from_cpu = time.monotonic(), time.process_time()
        while seen < wanted * clients and time.monotonic() - began < at_most_s:
            for fd, _ in poll(0.05):
                chunk = os.read(fd, READ_BYTES)
                if not chunk:
                    open_.drop(fd)
                    continue
                buffers[fd] += chunk
                if not _is_whole(buffers[fd]):
                    continue
                whole, buffers[fd] = buffers[fd], b""
                open_.chunks[fd].append((time.monotonic_ns(), whole))
                seen += whole.count(MARK)
                found = CURSOR.search(whole)
                after = found[1].decode() if placeholder and found else ""
                sockets[fd].sendall((head + after + tail).encode())
        answer(**{stage: True})
    busy = (time.process_time() - busy_from_cpu) / (time.monotonic() - busy_from)
    answer(driver_busy=round(busy, 3), broken=open_.broken, **_received(open_.chunks.values(), first, events))


def _open_plain(open_: Connections, addresses: list[tuple[str, int]], clients: int) -> None:
    for number in range(clients):
        host, port = addresses[number % len(addresses)]
        connection = socket.create_connection((host, port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        open_.add(connection, b"")


def _is_whole(response: bytes) -> bool:
    head, end, body = response.partition(b"\r\n\r\n")
    if not end:
        return False
    if length := LENGTH.search(head):
        return len(body) >= int(length[1])
    if b"chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    return True  # 304 has no body


ORDERS: dict[str, Callable[..., None]] = {
    "connect": connect,
    "collect": collect,
    "sink": sink,
    "ask": ask,
    "long_poll": long_poll,
}


def main() -> None:
    # Nothing here is cyclic, and a collection would look like a late server.
    gc.disable()
    open_ = Connections()
    for line in sys.stdin:
        order = json.loads(line)
        ORDERS[order.pop("do")](open_, **order)
    open_.close()


if __name__ == "__main__":
    main()
