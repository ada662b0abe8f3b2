"""HTTP requests and answers: bodies of limited size, answers that break off, a burst of connections."""

import http.client
import json
import os
import signal
import socket
import struct
import threading
from pathlib import Path

import pytest

from tests.rig.waiting import wait_until
from tests.server.conftest import Serve
from tests.server.served import MIB, Served


def _read_to_the_end(connection: socket.socket) -> bytes:
    read = b""
    while piece := connection.recv(65_536):
        read += piece
    return read


def test_body_of_exactly_the_limit_passes(server: Served) -> None:
    for headers in ({}, {"Transfer-Encoding": "chunked"}):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        body = iter([b"x" * (MIB // 2)] * 2) if headers else b"x" * MIB
        connection.request("POST", "/body", body, headers=headers, encode_chunked=bool(headers))
        assert connection.getresponse().read() == b"1048576"
        connection.close()


def test_body_over_the_limit_is_answered_before_it_is_sent(server: Served) -> None:
    connection = server.connect("POST /body HTTP/1.1\nContent-Length: 1048577")
    head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    assert b"Connection: close" in head
    assert json.loads(body) == {
        "error": {
            "code": "body_too_large",
            "message": "The request's body is larger than 1048576 bytes.",
            "hint": "Send less at a time.",
        }
    }
    connection.close()


def test_client_that_asks_first_is_not_told_to_continue(server: Served) -> None:
    connection = server.connect("POST /body HTTP/1.1\nContent-Length: 1048577\nExpect: 100-continue")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 413")
    connection.close()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_huge_body_costs_no_memory_and_its_sender_gets_the_answer(serve: Serve, framing: str) -> None:
    server = serve()
    before = server.memory_bytes
    most = before
    connection = server.connect(
        "POST /body HTTP/1.1\n" + ("Content-Length: 209715200" if framing == "length" else "Transfer-Encoding: chunked")
    )
    piece = b"x" * MIB if framing == "length" else b"100000\r\n" + b"x" * MIB + b"\r\n"
    for _ in range(200):
        connection.sendall(piece)
        most = max(most, server.memory_bytes)
    assert connection.recv(65_536).startswith(b"HTTP/1.1 413")
    assert most - before < 16 * MIB
    connection.close()
    assert server.marks == []
    assert b'"bodies_refused": 1' in server.get("/process").read()


def test_sender_of_a_refused_body_that_never_ends_is_cut(serve: Serve) -> None:
    server = serve(max_body_bytes=100_000, linger_s=0.5)
    connection = server.connect("POST /body HTTP/1.1\nTransfer-Encoding: chunked")

    def send_forever() -> None:
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 4_096 + b"\r\n")

    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        send_forever()
    connection.close()


@pytest.mark.parametrize(
    ("begins", "goes_on", "told"),
    [
        (b"", b"", b""),
        (b"GET /hello HTTP/1.1\r\n", b"", b"HTTP/1.1 408"),
        (b"GET /hello HTTP/1.1\r\n", b"X-A: b\r\n", b"HTTP/1.1 408"),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n", b"x", b"HTTP/1.1 408"),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", b"HTTP/1.1 408"),
    ],
    ids=["no request", "half a head", "a head in drops", "a body in drops", "chunks in drops"],
)
def test_request_that_does_not_arrive_in_time_is_given_up(
    serve: Serve, begins: bytes, goes_on: bytes, told: bytes
) -> None:
    server = serve(request_s=0.5)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(begins)
        answer = b""
        connection.settimeout(0.1)
        while True:
            try:
                connection.sendall(goes_on)
                piece = connection.recv(1_000)
            except TimeoutError:
                continue
            except OSError:  # it went while we were sending
                break
            if not piece:
                break
            answer += piece
    assert answer.startswith(told)
    assert server.get("/hello").read() == b'"hello"'


def test_answer_and_pause_may_take_longer_than_a_request(serve: Serve) -> None:
    server = serve(request_s=0.5)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/long-poll")
    answering = connection.sock
    threading.Event().wait(1.0)
    assert answering is not None
    answering.settimeout(0.2)
    with pytest.raises(TimeoutError):  # neither an answer nor an end
        answering.recv(1)
    connection.close()
    connection.request("GET", "/hello")
    assert connection.getresponse().read() == b'"hello"'
    first = connection.sock
    threading.Event().wait(1.0)
    connection.request("GET", "/hello")
    assert connection.getresponse().read() == b'"hello"'
    assert connection.sock is first
    connection.close()


def test_answer_that_breaks_off_is_seen_to_break_off(serve: Serve) -> None:
    """Stock daphne begins a second answer here; the error of that ends its clean-up of connections."""
    server = serve()
    for path in ("/raise-halfway", "/return-halfway"):
        response = server.get(path)
        with pytest.raises(http.client.IncompleteRead) as broken:
            response.read()
        assert broken.value.partial == b"half"
    wait_until(lambda: "planted" in server.log, "the exception in the log")
    # The clean-up goes on: an application that fails later is noticed too.
    assert server.get("/return-at-once").status == 500
    assert server.stop() == 0


def test_burst_of_connections_waits_for_no_second_try(serve: Serve) -> None:
    """The kernel drops what is over the backlog, and the client tries again a second later: so none may be over it."""
    server = serve()
    count = min(300, int(Path("/proc/sys/net/core/somaxconn").read_text()))
    os.kill(server.pid, signal.SIGSTOP)
    connections = []
    try:
        for _ in range(count):
            # Whoever gets no answer to its first SYN within a moment was dropped, since nobody is there to accept.
            connection = socket.socket()
            connection.settimeout(0.9)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            connection.settimeout(30)
            connections.append(connection)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    for connection in connections:
        assert _read_to_the_end(connection).endswith(b'"hello"')
        connection.close()


def test_clients_that_reset_in_the_middle_leave_no_traceback(serve: Serve) -> None:
    server = serve()
    requests = [
        b"GET /hello HT",
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
        b"GET /firehose HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /long-poll HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nhalf",
    ]
    for request in requests * 5:
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(request)
        threading.Event().wait(0.01)
        # Linger of nothing: the close is a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    assert server.get("/hello").read() == b'"hello"'
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_garbage_collector_leaves_what_was_imported_alone(server: Served) -> None:
    answer = server.get("/process").read()
    assert b'"gc_threshold": [50000, 20, 100]' in answer
    assert b'"gc_frozen": 0' not in answer


def test_stock_daphne_serves_the_same_applications(serve: Serve) -> None:
    server = serve(module="daphne")
    assert server.get("/hello").read() == b'"hello"'
    assert server.get("/ready").status == 200
    assert server.stop() is not None
