"""A peer that does not read holds up its own application, costs no memory, and is cut in the end."""

import socket
import threading
from collections.abc import Callable

import pytest

from tests.rig.waiting import wait_until
from tests.server.conftest import Serve
from tests.server.frames import TEXT, masked_frame
from tests.server.served import MIB, Served

# What the kernel holds for one connection on loopback (its send buffer and the peer's receive buffer) is not the
# process's memory, but the application may get rid of that much before it has to wait.
_KERNEL_BYTES = 16 * MIB


def _request_firehose(server: Served) -> socket.socket:
    return server.connect("GET /firehose HTTP/1.1", receive_buffer_bytes=65_536)


def _open_firehose(server: Served) -> socket.socket:
    return server.upgrade("/firehose", receive_buffer_bytes=65_536)


def _open_firehose_and_send(server: Served) -> socket.socket:
    connection = _open_firehose(server)
    message = masked_frame(TEXT, b"still here")

    def send() -> None:
        # Until the server cuts the connection, which is what the tests are about.
        try:
            while True:
                connection.sendall(message)
                threading.Event().wait(0.01)
        except OSError:
            pass

    threading.Thread(target=send, daemon=True).start()
    return connection


@pytest.mark.parametrize(
    "stall",
    [_request_firehose, _open_firehose, _open_firehose_and_send],
    ids=["http", "websocket-silent", "websocket-still-sending"],
)
def test_reader_that_stalls_is_bounded_and_cut(serve: Serve, stall: Callable[[Served], socket.socket]) -> None:
    server = serve(stall_s=1.0)
    server.get("/hello").read()
    before = server.memory_bytes
    readers = [stall(server) for _ in range(5)]
    server.wait_for_mark("firehose ended")
    wait_until(lambda: len([mark for mark in server.marks if mark.startswith("firehose ended")]) == 5, "all cut")
    sent = [int(mark.split()[2]) for mark in server.marks]
    assert max(sent) < _KERNEL_BYTES
    assert server.memory_bytes - before < 16 * MIB
    assert b'"stalled_cut": 5' in server.get("/process").read()
    for reader in readers:
        reader.close()


def test_reader_that_is_slow_but_steady_is_not_cut(serve: Serve) -> None:
    server = serve(stall_s=3.0)
    slow, stalled = _request_firehose(server), _request_firehose(server)
    # The one that is cut shows that the time is up.
    while not server.marks:
        assert slow.recv(16_384)
        threading.Event().wait(0.02)
    assert len(server.marks) == 1
    assert b'"stalled_cut": 1' in server.get("/process").read()
    slow.close()
    stalled.close()


def test_others_are_served_while_one_reader_stalls(serve: Serve) -> None:
    server = serve(stall_s=30.0)
    stalled = _request_firehose(server)
    reader = _request_firehose(server)
    taken = 0
    while taken < 4 * _KERNEL_BYTES:
        taken += len(reader.recv(MIB))
    assert server.get("/hello").read() == b'"hello"'
    assert server.marks == []
    stalled.close()
    reader.close()


def test_reader_that_stalls_behind_the_end_of_its_response_is_cut(serve: Serve) -> None:
    """Twisted drops the push producer when it begins to close, so nobody hears of the stall from it any more."""
    server = serve(stall_s=1.0)
    stalled = server.connect("GET /big HTTP/1.1\nConnection: close", receive_buffer_bytes=65_536)
    server.wait_for_mark("big ended")
    wait_until(lambda: b'"stalled_cut": 1' in server.get("/process").read(), "the cut")
    stalled.close()


def test_application_that_waits_to_send_is_woken_when_its_client_leaves(serve: Serve) -> None:
    server = serve(stall_s=600.0)
    for leave in (_request_firehose, _open_firehose):
        known = len(server.marks)
        reader = leave(server)
        assert reader.recv(1)
        reader.close()
        wait_until(lambda known=known: len(server.marks) > known, "the application to end")


def test_kernel_watches_for_peers_that_vanish(serve: Serve) -> None:
    server = serve(vanished_s=7)
    assert b'"sockets": [{"SO_KEEPALIVE": 1, "TCP_USER_TIMEOUT": 7000}]' in server.get("/process").read()


def test_application_that_receives_late_gets_everything_in_order_and_bounded(serve: Serve) -> None:
    server = serve(inbox_bytes=65_536)
    connection = server.upgrade("/late-listener")
    assert connection.recv(7) == b"\x81\x05ready"
    before = server.memory_bytes
    connection.setblocking(False)
    # Fill everything on the way until the server takes no more: its inbox, its buffer, the kernel's.
    pending, count, refusals = b"", 0, 0
    while refusals < 50:
        while len(pending) < MIB:
            pending += masked_frame(TEXT, str(count).encode().zfill(4_000))
            count += 1
        try:
            pending = pending[connection.send(pending) :]
            refusals = 0
        except BlockingIOError:
            refusals += 1
            server.get("/hello").read()
    assert server.memory_bytes - before < 8 * MIB
    server.get("/listen").read()
    connection.settimeout(30)
    connection.sendall(pending + masked_frame(TEXT, b"end"))
    answer = str(count).encode()
    assert connection.recv(100).startswith(b"\x81" + bytes([len(answer)]) + answer)
    connection.close()


def test_flood_of_empty_messages_is_bounded(serve: Serve) -> None:
    """Sixty thousand bytes hold ten thousand of them, each of which costs a dictionary in the inbox."""
    server = serve()
    before = server.memory_bytes
    connections = [server.upgrade("/late-listener") for _ in range(20)]
    for connection in connections:
        connection.setblocking(False)
        while True:
            try:
                connection.send(masked_frame(TEXT, b"") * 10_000)
            except BlockingIOError:
                break
    server.get("/hello").read()
    assert server.memory_bytes - before < 32 * MIB
    for connection in connections:
        connection.close()


def test_messages_sent_before_the_application_accepted_wait_for_it(serve: Serve) -> None:
    server = serve()
    connection = server.connect(
        "GET /never-accept HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13"
    )
    server.wait_for_mark("waits to accept")
    connection.sendall(masked_frame(TEXT, b"early"))
    server.get("/listen").read()
    answer = b""
    while b"\x81\x05early" not in answer:
        piece = connection.recv(4_096)
        assert piece, answer
        answer += piece
    connection.close()
