"""WebSocket messages: what daphne drops, what is too big, and how a connection ends."""

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.server.conftest import Serve
from tests.server.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, masked_frame
from tests.server.reader import FrameReader
from tests.server.served import MIB, Served

_LIMIT = 64 * 1024


def test_empty_messages_reach_both_ends(server: Served) -> None:
    with connect(f"{server.ws_url}/empty") as socket:
        assert [socket.recv() for _ in range(3)] == ["", b"", "after"]
        socket.send("")
        server.wait_for_mark("received ''")


def test_message_of_exactly_the_limit_passes(server: Served) -> None:
    with connect(f"{server.ws_url}/echo") as socket:
        socket.send(b"x" * _LIMIT)
        assert socket.recv() == b"x" * _LIMIT


@pytest.mark.parametrize("size", [_LIMIT + 1, 2 * MIB, 32 * MIB])
def test_frame_over_the_limit_closes_with_1009(serve: Serve, size: int) -> None:
    server = serve()
    before = server.memory_bytes
    connection = server.upgrade("/echo")
    # An all-zero mask leaves the payload as it is, which spares the test the masking of megabytes.
    connection.sendall(masked_frame(BINARY, b"x" * size, mask=b"\0\0\0\0"))
    frame = FrameReader(connection).next()
    assert frame is not None
    assert frame.close_code == 1009
    assert str(_LIMIT) in frame.close_reason
    connection.close()
    assert server.memory_bytes - before < 8 * MIB
    assert b'"messages_refused": 1' in server.get("/process").read()


def test_fragments_that_add_up_to_too_much_close_with_1009(server: Served) -> None:
    connection = server.upgrade("/echo")
    connection.sendall(masked_frame(BINARY, b"x" * _LIMIT, fin=False) + masked_frame(CONTINUATION, b"x"))
    frame = FrameReader(connection).next()
    assert frame is not None
    assert frame.close_code == 1009
    connection.close()


def test_length_that_no_memory_holds_closes_with_1009(server: Served) -> None:
    connection = server.upgrade("/echo")
    connection.sendall(b"\x82\xff" + (2**62).to_bytes(8, "big") + b"\0\0\0\0")
    frame = FrameReader(connection).next()
    assert frame is not None
    assert frame.close_code == 1009
    connection.close()


def test_what_the_server_sends_is_not_held_to_the_limit(server: Served) -> None:
    """64 KiB is the limit of autobahn for both ways; here it is the one for what comes in."""
    connection = server.upgrade("/firehose")
    assert len(FrameReader(connection).next().payload) == 65_536
    connection.close()


def test_reason_of_a_close_is_cut_to_what_fits_and_stays_text(server: Served) -> None:
    with connect(f"{server.ws_url}/close-with-reason") as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv()
    assert closed.value.rcvd.code == 4403
    assert closed.value.rcvd.reason == "不" * 41  # three bytes each: 123


def test_application_that_returns_closes_its_socket(server: Served) -> None:
    with connect(f"{server.ws_url}/return-after-accept") as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv()
    assert closed.value.rcvd.code == 1000


def test_application_that_raises_closes_its_socket_with_1011(server: Served) -> None:
    with connect(f"{server.ws_url}/raise-after-accept") as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv()
    assert closed.value.rcvd.code == 1011


def test_silent_peer_is_pinged(serve: Serve) -> None:
    connection = serve(ping_s=0.1).upgrade("/echo")
    ping = FrameReader(connection).next()
    assert ping is not None
    assert ping.opcode == PING
    connection.close()


def test_sending_to_a_peer_that_left_is_no_error(server: Served) -> None:
    with connect(f"{server.ws_url}/send-after-the-end"):
        pass
    server.wait_for_mark("sent into the void")


def test_messages_behind_a_close_are_ignored(server: Served) -> None:
    connection = server.upgrade("/echo")
    connection.sendall(masked_frame(CLOSE, b"\x03\xe8") + masked_frame(TEXT, b"late"))
    reader = FrameReader(connection)
    assert reader.next().close_code == 1000
    assert reader.next() is None
    connection.close()


def test_handshake_that_is_wrong_is_refused_without_a_traceback(serve: Serve) -> None:
    server = serve()
    connection = server.connect("GET /echo HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
    assert connection.recv(65_536) == b""
    connection.close()
    assert server.get("/hello").read() == b'"hello"'
    assert "Traceback" not in server.log
