"""WebSocket frames, byte by byte (RFC 6455 section 5.2), so that tests can send wrong ones."""

import struct
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def masked_frame(
    opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, mask: bytes = b"\x37\xfa\x21\x3d"
) -> bytes:
    """Return a frame as a client sends it."""
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)) if any(mask) else payload
    return _head(opcode, len(payload), fin, rsv, masked=True) + mask + masked


def unmasked_frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame as no client may send it."""
    return _head(opcode, len(payload), True, 0, masked=False) + payload


def _head(opcode: int, length: int, fin: bool, rsv: int, masked: bool) -> bytes:
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    mask_bit = 0x80 if masked else 0
    if length < 126:
        return bytes([first, mask_bit | length])
    if length < 65_536:
        return struct.pack("!BBH", first, mask_bit | 126, length)
    return struct.pack("!BBQ", first, mask_bit | 127, length)


@dataclass(frozen=True)
class Frame:
    """A frame from the server."""

    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def close_code(self) -> int | None:
        return struct.unpack("!H", self.payload[:2])[0] if self.opcode == CLOSE and self.payload else None

    @property
    def close_reason(self) -> str:
        return self.payload[2:].decode()
