"""The scope extension `fanout`: bytes that go straight to the socket never tear what else is on its way."""

import datetime
import ipaddress
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apps.server.fanout import http_chunk, websocket_text
from tests.rig.waiting import wait_until
from tests.server.conftest import Serve
from tests.server.frames import CLOSE, PING, PONG, TEXT, masked_frame, unmasked_frame
from tests.server.reader import FrameReader
from tests.server.served import Served


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_websocket_text_frame_has_the_length_that_rfc_6455_says(size: int) -> None:
    assert websocket_text(b"x" * size) == unmasked_frame(TEXT, b"x" * size)


def test_a_chunk_says_its_length_in_hexadecimal() -> None:
    assert http_chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


@pytest.mark.parametrize(("size", "to"), [(20, 100), (70_000, 300)], ids=["small", "more-than-the-kernel-takes"])
def test_pushed_lines_of_a_chunked_body_arrive_whole_and_in_order(server: Served, size: int, to: int) -> None:
    known = len(server.marks)
    lines = server.get(f"/count?to={to}&size={size}").read().split(b"\n")
    assert [int(line.rstrip(b".")) for line in lines[:-1]] == list(range(to))
    assert lines[-1] == b""
    assert_pushed(server, known, "count None http_chunk")


def test_pushed_lines_of_http_1_0_have_no_chunks(server: Served) -> None:
    known = len(server.marks)
    connection = server.connect("GET /count?to=50&size=20 HTTP/1.0")
    head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert [int(line.rstrip(b".")) for line in body.split(b"\n")[:-1]] == list(range(50))
    assert_pushed(server, known, "count None unframed")


def test_nothing_is_pushed_into_an_answer_without_a_body(server: Served) -> None:
    known = len(server.marks)
    connection = server.connect("HEAD /count?to=5&size=20 HTTP/1.1\nConnection: close")
    assert read_all(connection).partition(b"\r\n\r\n")[2] == b""
    server.wait_for_mark("counted 0")
    assert server.marks[known] == "count None None"


@pytest.mark.parametrize(("size", "to"), [(20, 100), (70_000, 300)], ids=["small", "more-than-the-kernel-takes"])
def test_pushed_messages_and_pongs_do_not_tear_each_other(server: Served, size: int, to: int) -> None:
    known = len(server.marks)
    connection = server.upgrade(f"/count?to={to}&size={size}", receive_buffer_bytes=65_536)
    frames = FrameReader(connection)
    numbers, pongs, pings = [], [], 0
    while (frame := frames.next()) is not None and frame.opcode != CLOSE:
        if frame.opcode == PONG:
            pongs.append(int(frame.payload))
            continue
        assert frame.opcode == TEXT
        numbers.append(int(frame.payload.rstrip(b".")))
        assert len(frame.payload) == size
        connection.sendall(masked_frame(PING, str(pings).encode()))
        pings += 1
    assert frame is not None
    assert frame.close_code == 1000
    assert numbers == list(range(to))
    assert pongs == list(range(len(pongs)))
    connection.close()
    assert_pushed(server, known, "count None websocket_text")


def test_a_client_that_left_is_found_out_by_the_server_and_no_error(server: Served) -> None:
    connection = server.connect("GET /count-for-ever HTTP/1.1")
    assert b"on and on" in connection.recv(65_536) + connection.recv(65_536) + connection.recv(65_536)
    connection.close()
    assert server.wait_for_mark("left") == "left None False"
    assert "Traceback" not in server.log


def test_a_client_that_only_stopped_sending_ends_its_stream_as_without_pushes(server: Served) -> None:
    connection = server.connect("GET /count-for-ever HTTP/1.1")
    assert connection.recv(10)
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection)
    assert "Traceback" not in server.log


def test_inside_tls_nothing_is_offered(serve: Serve, tmp_path: Path) -> None:
    server = serve(certificate=certificate(tmp_path))
    context = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    with context.wrap_socket(server.connect(), server_hostname="127.0.0.1") as connection:
        connection.sendall(b"GET /count?to=20&size=20 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"19..." in read_all(connection)
    assert server.marks == ["count None None", "counted 0 False"]


def assert_pushed(server: Served, known: int, frames: str) -> None:
    """Assert that frames were offered when they should be, some lines were pushed, and none after the end."""
    wait_until(lambda: len(server.marks) == known + 2, "both marks")
    counted = server.marks[known + 1].split()
    assert server.marks[known] == frames
    assert int(counted[1]) > 0
    assert counted[2] == "False"


def read_all(connection: socket.socket) -> bytes:
    read = b""
    while piece := connection.recv(1_048_576):
        read += piece
    return read


def certificate(folder: Path) -> str:
    """Make a certificate for 127.0.0.1, and return daphne's words for an endpoint that uses it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return f"privateKey={folder}/key.pem:certKey={folder}/certificate.pem"
