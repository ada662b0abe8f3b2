"""Reads frames from a socket, one by one."""

import socket

from tests.server.frames import Frame


class FrameReader:
    """Reads the frames that a server sends over `connection`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def next(self) -> Frame | None:
        """Return the next frame; None once the server ended the connection, in order or by a reset."""
        try:
            head = self._exactly(2)
            if head is None:
                return None
            assert not head[1] & 0x80, "a server masks no frames (RFC 6455 section 5.1)"
            length = head[1] & 0x7F
            if length >= 126:
                extended = self._exactly(2 if length == 126 else 8)
                assert extended is not None
                length = int.from_bytes(extended, "big")
            payload = self._exactly(length)
        except ConnectionResetError:
            return None
        assert payload is not None, "the connection ended within a frame"
        assert not head[0] & 0x70, "no extension was negotiated that would use the reserved bits"
        return Frame(opcode=head[0] & 0x0F, payload=payload, fin=bool(head[0] & 0x80))

    def _exactly(self, count: int) -> bytes | None:
        read = b""
        while len(read) < count:
            piece = self._connection.recv(count - len(read))
            if not piece:
                return None
            read += piece
        return read
