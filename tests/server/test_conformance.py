"""The WebSocket protocol, case by case, after RFC 6455 and the categories of the Autobahn Testsuite.

Every case sends bytes to an echo application and says which frames have to come back.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.server.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    masked_frame,
    unmasked_frame,
)
from tests.server.reader import FrameReader
from tests.server.served import Served

_PROTOCOL_ERROR, _INVALID_PAYLOAD = 1002, 1007


@dataclass(frozen=True)
class Case:
    """What a client sends, and what it gets.

    Args:
        name: the test's name.
        sent: bytes, in the pieces in which they leave.
        expected: frames that come back before the end of the case.
        fails_with: the code of the close frame with which the server gives the connection up; None: it stays open.
    """

    name: str
    sent: tuple[bytes, ...]
    expected: tuple[Frame, ...] = ()
    fails_with: int | None = None


def _echo(opcode: int, payload: bytes) -> tuple[Frame, ...]:
    return (Frame(opcode, payload),)


def _close(code: int, reason: bytes = b"") -> bytes:
    return struct.pack("!H", code) + reason


def _octets(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[index : index + 1] for index in range(len(data)))


def _framing() -> Iterator[Case]:
    for opcode, kind in ((TEXT, "text"), (BINARY, "binary")):
        for size in (0, 1, 125, 126, 127, 128, 65_535, 65_536):
            payload = b"*" * size
            yield Case(f"{kind}-of-{size}", (masked_frame(opcode, payload),), _echo(opcode, payload))
        payload = bytes(range(32, 127)) * 3
        yield Case(f"{kind}-octet-by-octet", _octets(masked_frame(opcode, payload)), _echo(opcode, payload))
    several = b"".join(masked_frame(TEXT, str(number).encode()) for number in range(50))
    yield Case("fifty-messages-at-once", (several,), tuple(Frame(TEXT, str(number).encode()) for number in range(50)))
    yield Case("unmasked-frame-is-refused", (unmasked_frame(TEXT, b"naked"),), fails_with=_PROTOCOL_ERROR)
    wasteful = b"\x81\xfe\x00\x05" + b"\0\0\0\0" + b"12345"
    yield Case("length-in-more-bytes-than-it-needs-is-refused", (wasteful,), fails_with=_PROTOCOL_ERROR)


def _pings() -> Iterator[Case]:
    for name, payload in (
        ("empty", b""),
        ("text", "Grüße".encode()),
        ("bytes", b"\x00\xff\xfe\xfd"),
        ("125", b"\xfe" * 125),
    ):
        yield Case(f"ping-{name}", (masked_frame(PING, payload),), _echo(PONG, payload))
    yield Case("ping-octet-by-octet", _octets(masked_frame(PING, b"p" * 125)), _echo(PONG, b"p" * 125))
    yield Case("ping-of-126-is-refused", (masked_frame(PING, b"p" * 126),), fails_with=_PROTOCOL_ERROR)
    yield Case(
        "ten-pings-are-answered-in-order",
        (b"".join(masked_frame(PING, str(number).encode()) for number in range(10)),),
        tuple(Frame(PONG, str(number).encode()) for number in range(10)),
    )
    for name, payload in (("empty", b""), ("with-payload", b"nobody asked")):
        unsolicited = masked_frame(PONG, payload) + masked_frame(PING, b"alive")
        yield Case(f"unsolicited-pong-{name}-is-ignored", (unsolicited,), _echo(PONG, b"alive"))


def _reserved() -> Iterator[Case]:
    for rsv in range(1, 8):
        for opcode, kind in ((TEXT, "text"), (BINARY, "binary"), (PING, "ping"), (CLOSE, "close")):
            payload = _close(1000) if opcode == CLOSE else b"reserved"
            yield Case(f"rsv-{rsv}-{kind}", (masked_frame(opcode, payload, rsv=rsv),), fails_with=_PROTOCOL_ERROR)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"reserved"):
            yield Case(
                f"opcode-{opcode}-of-{len(payload)}", (masked_frame(opcode, payload),), fails_with=_PROTOCOL_ERROR
            )


def _fragments() -> Iterator[Case]:
    def first(payload: bytes, opcode: int = TEXT) -> bytes:
        return masked_frame(opcode, payload, fin=False)

    def more(payload: bytes) -> bytes:
        return masked_frame(CONTINUATION, payload, fin=False)

    def last(payload: bytes) -> bytes:
        return masked_frame(CONTINUATION, payload)

    ping = masked_frame(PING, b"between")
    whole = first(b"one ") + more(b"two ") + last(b"three")
    yield Case("fragments", (whole,), _echo(TEXT, b"one two three"))
    yield Case("fragments-one-by-one", (first(b"one "), more(b"two "), last(b"three")), _echo(TEXT, b"one two three"))
    yield Case("fragments-octet-by-octet", _octets(whole), _echo(TEXT, b"one two three"))
    yield Case("fragments-of-bytes", (first(b"\xff", BINARY) + last(b"\x00"),), _echo(BINARY, b"\xff\x00"))
    yield Case("empty-fragments", (first(b"") + more(b"") + last(b""),), _echo(TEXT, b""))
    yield Case("empty-fragments-around-text", (first(b"") + more(b"middle") + last(b""),), _echo(TEXT, b"middle"))
    yield Case(
        "ping-between-fragments",
        (first(b"one ") + ping + more(b"two ") + ping + last(b"three"),),
        (*_echo(PONG, b"between"), *_echo(PONG, b"between"), *_echo(TEXT, b"one two three")),
    )
    yield Case("fragmented-ping-is-refused", (masked_frame(PING, b"p", fin=False),), fails_with=_PROTOCOL_ERROR)
    yield Case("fragmented-pong-is-refused", (masked_frame(PONG, b"p", fin=False),), fails_with=_PROTOCOL_ERROR)
    yield Case("continuation-of-nothing-is-refused", (last(b"lost"),), fails_with=_PROTOCOL_ERROR)
    yield Case("unfinished-continuation-of-nothing-is-refused", (more(b"lost"),), fails_with=_PROTOCOL_ERROR)
    yield Case(
        "message-within-a-message-is-refused",
        (first(b"one ") + masked_frame(TEXT, b"other"),),
        fails_with=_PROTOCOL_ERROR,
    )
    yield Case(
        "many-fragments", (first(b"a") + more(b"b") * 1_000 + last(b"c"),), _echo(TEXT, b"a" + b"b" * 1_000 + b"c")
    )


# Markus Kuhn's stress cases and the table of well-formed sequences (Unicode 15, table 3-7).
_VALID = {
    "greek": "κόσμε".encode(),
    "chinese": "不丢失任何事件".encode(),
    "first-of-1-byte": b"\x00",
    "first-of-2-bytes": b"\xc2\x80",
    "first-of-3-bytes": b"\xe0\xa0\x80",
    "first-of-4-bytes": b"\xf0\x90\x80\x80",
    "last-of-1-byte": b"\x7f",
    "last-of-2-bytes": b"\xdf\xbf",
    "last-of-3-bytes": b"\xef\xbf\xbf",
    "last-of-4-bytes": b"\xf4\x8f\xbf\xbf",
    "before-the-surrogates": b"\xed\x9f\xbf",
    "after-the-surrogates": b"\xee\x80\x80",
    "replacement": b"\xef\xbf\xbd",
    "byte-order-mark": b"\xef\xbb\xbf",
    "not-a-character": b"\xef\xbf\xbe\xf0\x9f\xbf\xbf",
}
_INVALID = {
    "lone-continuation": b"\x80",
    "lone-last-continuation": b"\xbf",
    "all-continuations": bytes(range(0x80, 0xC0)),
    "two-byte-start-and-space": b"\xc2 ",
    "three-byte-start-and-space": b"\xe2 ",
    "four-byte-start-and-space": b"\xf1 ",
    "cut-2-bytes": b"\xc3",
    "cut-3-bytes": b"\xe2\x82",
    "cut-4-bytes": b"\xf0\x9f\x98",
    "cut-in-the-middle": b"caf\xc3 au lait",
    "never-fe": b"\xfe",
    "never-ff": b"\xff",
    "five-bytes": b"\xf8\x88\x80\x80\x80",
    "six-bytes": b"\xfc\x84\x80\x80\x80\x80",
    "overlong-slash-2": b"\xc0\xaf",
    "overlong-slash-3": b"\xe0\x80\xaf",
    "overlong-slash-4": b"\xf0\x80\x80\xaf",
    "overlong-nul": b"\xc0\x80",
    "beyond-unicode": b"\xf4\x90\x80\x80",
    "first-surrogate": b"\xed\xa0\x80",
    "last-surrogate": b"\xed\xbf\xbf",
    "surrogate-pair": b"\xed\xa0\x80\xed\xb0\x80",
}


def _utf8() -> Iterator[Case]:
    for name, payload in _VALID.items():
        yield Case(f"valid-{name}", (masked_frame(TEXT, payload),), _echo(TEXT, payload))
        in_octets = (
            masked_frame(TEXT, b"", fin=False)
            + b"".join(masked_frame(CONTINUATION, octet, fin=False) for octet in _octets(payload))
            + masked_frame(CONTINUATION, b"")
        )
        yield Case(f"valid-{name}-split-within-characters", (in_octets,), _echo(TEXT, payload))
    for name, payload in _INVALID.items():
        yield Case(f"invalid-{name}", (masked_frame(TEXT, payload),), fails_with=_INVALID_PAYLOAD)
        fragments = masked_frame(TEXT, payload[:1], fin=False) + masked_frame(CONTINUATION, payload[1:])
        yield Case(f"invalid-{name}-in-fragments", (fragments,), fails_with=_INVALID_PAYLOAD)
    yield Case("binary-is-not-text", (masked_frame(BINARY, b"\xff\xfe"),), _echo(BINARY, b"\xff\xfe"))
    # The rest of the message never comes: the server has to notice before its end.
    unfinished = masked_frame(TEXT, b"good \xf4\x90", fin=False)
    yield Case("invalid-noticed-before-the-end-of-the-message", (unfinished,), fails_with=_INVALID_PAYLOAD)


def _closes() -> Iterator[Case]:
    # Answered, whatever they say, with a close frame; autobahn answers 1000.
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case(f"close-{code}", (masked_frame(CLOSE, _close(code)),), fails_with=1000)
    yield Case("close-without-code", (masked_frame(CLOSE, b""),), fails_with=1000)
    yield Case("close-with-reason", (masked_frame(CLOSE, _close(1000, "再见".encode())),), fails_with=1000)
    yield Case("close-with-longest-reason", (masked_frame(CLOSE, _close(1000, b"r" * 123)),), fails_with=1000)
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535):
        yield Case(f"close-{code}-is-refused", (masked_frame(CLOSE, _close(code)),), fails_with=_PROTOCOL_ERROR)
    yield Case("close-of-one-byte-is-refused", (masked_frame(CLOSE, b"\x03"),), fails_with=_PROTOCOL_ERROR)
    yield Case("close-of-126-is-refused", (masked_frame(CLOSE, _close(1000, b"r" * 124)),), fails_with=_PROTOCOL_ERROR)
    yield Case(
        "close-with-a-reason-that-is-no-text",
        (masked_frame(CLOSE, _close(1000, b"\xff")),),
        fails_with=_INVALID_PAYLOAD,
    )
    close = masked_frame(CLOSE, _close(1000))
    yield Case("second-close-is-ignored", (close + close,), fails_with=1000)
    yield Case("ping-after-close-is-ignored", (close + masked_frame(PING, b"late"),), fails_with=1000)
    yield Case("message-after-close-is-ignored", (close + masked_frame(TEXT, b"late"),), fails_with=1000)
    yield Case("close-within-a-message", (masked_frame(TEXT, b"half", fin=False) + close,), fails_with=1000)


_CASES = [*_framing(), *_pings(), *_reserved(), *_fragments(), *_utf8(), *_closes()]


@pytest.mark.parametrize("after_a_message", [False, True], ids=["first", "after-a-message"])
@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_websocket_keeps_to_the_protocol(server: Served, case: Case, after_a_message: bool) -> None:
    connection = server.upgrade("/echo")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader = FrameReader(connection)
    if after_a_message:
        connection.sendall(masked_frame(TEXT, b"one ", fin=False) + masked_frame(CONTINUATION, b"before"))
        assert reader.next() == Frame(TEXT, b"one before")
    for piece in case.sent:
        connection.sendall(piece)
    for frame in case.expected:
        assert reader.next() == frame
    if case.fails_with is None:
        # Still open, and nothing else came: the next frame is the answer to this.
        connection.sendall(masked_frame(PING, b"the end"))
        assert reader.next() == Frame(PONG, b"the end")
        connection.sendall(masked_frame(CLOSE, _close(1000)))
        closing = reader.next()
        assert closing is not None
        assert closing.close_code == 1000
    else:
        closing = reader.next()
        assert closing is not None, "the server dropped the connection without a close frame"
        assert closing.close_code == case.fails_with
        connection.sendall(masked_frame(CLOSE, _close(case.fails_with)))
    assert reader.next() is None
    connection.close()
