"""Told to stop, the server lets every connection end in its own words, and is gone in time."""

import http.client
import json
import os
import signal
import socket
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.rig.waiting import wait_until
from tests.server.conftest import Serve
from tests.server.served import Served


def _open(server: Served, path: str) -> ClientConnection:
    client = connect(f"{server.ws_url}{path}", legacy=True)
    assert client.recv() == "ready"
    return client


def _until(connection: socket.socket, what: bytes) -> bytes:
    read = b""
    while what not in read:
        piece = connection.recv(65_536)
        assert piece, f"the connection ended after {read!r}"
        read += piece
    return read


def _close_of(client: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=30)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_every_socket_gets_a_close_frame_of_its_application(serve: Serve) -> None:
    server = serve()
    clients = [_open(server, "/goodbye") for _ in range(20)]
    server.tell_to_stop()
    for client in clients:
        code, reason = _close_of(client)
        assert code == 4503
        assert reason.startswith("restarting; come back in ")
        assert 100 <= int(reason.split()[-2]) <= 1_000
    assert server.wait_for_exit() == 0
    assert server.marks == ["finally goodbye"] * 20


def test_turns_are_spread_over_the_drain(serve: Serve) -> None:
    server = serve(drain_s=2.0, closes_per_s=1.0)
    clients = [_open(server, "/goodbye") for _ in range(10)]
    server.tell_to_stop()
    times = []
    for client in clients:
        _close_of(client)
        times.append(time.monotonic())
    # 0.88 of 2 s for ten turns: nine pauses of 0.176 s. They may come late on a busy machine, but the last one has to
    # come 1.5 s after the first.
    assert times[-1] - times[0] > 1.2
    assert server.wait_for_exit() == 0


def test_socket_of_an_application_that_ignores_the_drain_is_closed_with_1012(serve: Serve) -> None:
    server = serve()
    with connect(f"{server.ws_url}/echo") as client:
        client.send("before")
        assert client.recv() == "before"
        server.tell_to_stop()
        assert _close_of(client) == (1012, "server restart")
    assert server.wait_for_exit() == 0
    assert server.marks == ["echo ended with 1012"]


def test_stream_says_goodbye_and_ends_whole(serve: Serve) -> None:
    server = serve()
    response = server.get("/stream")
    assert response.readline() == b"ready\n"
    server.tell_to_stop()
    word, retry_ms, deadline_ms = response.read().split()
    assert word == b"close"
    assert 100 <= int(retry_ms) <= 1_000
    assert 0 < int(deadline_ms) <= 8_000
    assert server.wait_for_exit() == 0


def test_long_poll_is_answered_and_its_connection_closed(serve: Serve) -> None:
    server = serve()
    connection = server.connect("GET /long-poll HTTP/1.1")
    server.wait_for_mark("long poll waits")
    server.tell_to_stop()
    answer = _until(connection, b"[]")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer.lower()
    assert connection.recv(1) == b""
    assert server.wait_for_exit() == 0


def test_nobody_is_accepted_while_those_inside_are_served(serve: Serve) -> None:
    server = serve(idle_grace_s=30.0, drain_s=30.0, exit_s=60.0)
    inside = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    inside.request("GET", "/ready")
    assert json.load(inside.getresponse()) == {"draining": False}
    server.tell_to_stop()

    wait_until(lambda: _refuses(server), "the port to be closed")
    inside.request("GET", "/ready")
    answer = inside.getresponse()
    assert answer.status == 503
    assert json.load(answer) == {"draining": True}
    assert answer.headers["Connection"] == "close"
    assert server.wait_for_exit() == 0


@pytest.mark.parametrize(
    "beginning",
    [
        "",
        "GET /hello HT",
        "GET /hello HTTP/1.1\r\nHost: a\r\n",
        "POST /body HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
    ],
    ids=["nothing", "request-line", "headers", "body"],
)
def test_half_sent_request_does_not_hold_up_the_drain(serve: Serve, beginning: str) -> None:
    server = serve(drain_s=60.0, exit_s=120.0, idle_grace_s=0.2)
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(beginning.encode())
        with connect(f"{server.ws_url}/echo", legacy=True) as witness:
            server.tell_to_stop()
            assert _close_of(witness)[0] == 1012
        # Well before the deadline, which is a minute off.
        assert server.wait_for_exit() == 0
    assert server.marks == ["echo ended with 1012"]
    assert "Traceback" not in server.log


def test_request_that_arrives_in_full_within_the_grace_is_answered(serve: Serve) -> None:
    server = serve(idle_grace_s=30.0, drain_s=30.0, exit_s=60.0)
    connection = server.connect()
    connection.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    stream = server.get("/stream")
    assert stream.readline() == b"ready\n"
    server.tell_to_stop()
    assert stream.readline().startswith(b"close")
    connection.sendall(b"of it!")
    assert _until(connection, b"\r\n\r\n10").startswith(b"HTTP/1.1 200")
    assert server.wait_for_exit() == 0


def test_what_is_left_at_the_deadline_is_cancelled_with_its_clean_up(serve: Serve) -> None:
    server = serve(drain_s=0.5)
    stubborn, deaf = server.get("/stubborn"), server.get("/deaf")
    assert stubborn.readline() == deaf.readline() == b"ready\n"
    server.tell_to_stop()
    assert server.wait_for_exit() == 0
    assert set(server.marks) == {
        "told http.disconnect",
        "finally stubborn",
        "finally deaf",
        "finally background",
    }
    for cut in (stubborn, deaf):
        # Cut, and not ended as if it were whole.
        with pytest.raises(http.client.IncompleteRead):
            cut.read()


def test_view_of_django_cleans_up_when_it_is_cut(serve: Serve) -> None:
    server = serve(application="tests.server.django_app:application", drain_s=0.5)
    response = server.get("/stream")
    assert response.readline() == b"ready\n"
    server.tell_to_stop()
    assert server.wait_for_exit() == 0
    assert server.marks == ["finally django"]


def test_stalled_reader_does_not_hold_up_the_exit(serve: Serve) -> None:
    server = serve(drain_s=0.5)
    stalled = server.connect("GET /firehose HTTP/1.1", receive_buffer_bytes=65_536)
    assert stalled.recv(1)
    server.tell_to_stop()
    assert server.wait_for_exit() == 0
    assert server.marks[0].startswith("firehose ended")
    stalled.close()


def test_thread_that_hangs_does_not_hold_up_the_exit(serve: Serve) -> None:
    server = serve(drain_s=0.2, exit_s=2.0)
    response = server.get("/hanging-thread")
    assert response.readline() == b"ready\n"
    server.tell_to_stop()
    assert server.wait_for_exit() == 1
    assert "leaving without waiting for" in server.log


def test_second_signal_ends_the_drain_at_once(serve: Serve) -> None:
    server = serve(drain_s=600.0, exit_s=1_200.0)
    stubborn = server.get("/stubborn")
    assert stubborn.readline() == b"ready\n"
    os.kill(server.pid, signal.SIGINT)
    wait_until(lambda: _refuses(server), "the drain to begin")
    os.kill(server.pid, signal.SIGINT)
    assert server.wait_for_exit() == 0
    assert "finally stubborn" in server.marks


def test_server_without_connections_is_gone_at_once(serve: Serve) -> None:
    server = serve(drain_s=600.0, idle_grace_s=600.0, exit_s=1_200.0)
    server.get("/hello").read()
    assert server.stop() == 0
    assert "Traceback" not in server.log


def _refuses(server: Served) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) != 0
