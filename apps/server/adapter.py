"""Daphne, Twisted and autobahn from the inside.

Nothing else in the project leans on what these three don't promise. tests/server/test_adapter_pins.py holds a
fingerprint of every function that is overridden or relied on here and in `server`, and fails when a new version
changes one.

HTTP/1.1 only: HTTP/2 ends at the proxy.
"""

import json
import logging
import socket
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

# Before anything of Twisted's: it installs the asyncio reactor.
from daphne.http_protocol import WebRequest  # isort: split

import autobahn.twisted.websocket
import autobahn.websocket.protocol
from autobahn.websocket.types import ConnectionDeny
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor as _reactor
from twisted.internet import tcp, unix
from twisted.internet.protocol import connectionDone
from twisted.logger import LogLevel, formatEvent, globalLogPublisher
from twisted.web import http
from twisted.web.http_headers import Headers

from apps.server.fanout import FanoutExtension, Frame, http_chunk, unframed, websocket_text
from apps.server.flow import Flow
from apps.server.limits import Limits
from apps.server.status import status

logger = logging.getLogger(__name__)
# Twisted's own type is an interface that lacks most of what every reactor has.
reactor: Any = _reactor

# RFC 6455 section 7.4.1 and the IANA registry: the server is restarting, come back.
CLOSE_SERVICE_RESTART = 1012
_CLOSE_TOO_BIG = 1009

# What autobahn and daphne read of a request until it is answered, and keep for as long as the WebSocket is open.
_OF_HANDSHAKE = frozenset(
    {
        "http_request_data",
        "http_response_data",
        "http_status_line",
        "http_headers",
        "http_request_uri",
        "http_request_path",
        "http_request_params",
        "http_request_host",
        "websocket_protocols",
        "websocket_extensions",
        "websocket_origin",
        "_wskey",
        "application_deferred",
        "clean_headers",
        "root_path",
        "server_addr",
        "protocol_to_accept",
        "_raw_query_string",
    }
)

_NO_HEADERS = Headers()
_NOTHING: Mapping[Any, Any] = MappingProxyType({})

# Bytes that the kernel takes without having sent them. More would hide a stalled reader for megabytes and minutes.
_UNSENT_IN_KERNEL_BYTES = 128 * 1024


def keep_debug_strings_plain() -> None:
    """Spare autobahn the colours and the layout of what it logs for debugging, made whether or not anybody logs it.

    It was a fifth of what a WebSocket costs to open, and of what it costs to send over.
    """
    for module in (autobahn.websocket.protocol, autobahn.twisted.websocket):
        vars(module).update(hltype=_as_it_is, hlval=_as_it_is, pformat=repr)


def _as_it_is(value: Any, *_: Any, **__: Any) -> Any:
    return value


def fit(server: Any, limits: Limits) -> None:
    """Give daphne's factories our protocols; after they were made and before the first connection is accepted."""
    keep_debug_strings_plain()
    server.http_factory.protocol = partial(Channel, server, limits)
    # Twisted formats an access log line for each request, which daphne throws away.
    server.http_factory.log = lambda request: None
    server.ws_factory.protocol = WebSocket
    server.ws_factory.setProtocolOptions(
        # A message that is too big is answered with a close frame, not with a reset.
        failByDrop=False,
        closeHandshakeTimeout=limits.close_handshake_s,
        allowNullOrigin=True,  # daphne's choice, which a call without it would undo
    )


def fit_port(port: Any, limits: Limits) -> None:
    """Have a listening port make our transports of the connections it accepts."""
    if isinstance(port, unix.Port):
        port.transport = UNIXTransport
    else:
        port.transport = partial(TCPTransport, limits)


def show_failures() -> None:
    """Log the exceptions that Twisted catches: daphne sends Twisted's log nowhere, tracebacks included."""
    publisher: Any = globalLogPublisher
    publisher.addObserver(_log_failure)


def _log_failure(event: dict[str, Any]) -> None:
    failure = event.get("log_failure")
    if failure is not None and event["log_level"] is LogLevel.critical:
        exception = (failure.type, failure.value, failure.getTracebackObject())
        logger.error("%s", formatEvent(event) or "Exception in a callback", exc_info=exception)


def waiting_to_send() -> list[Any]:
    """Return the connections with bytes that the kernel has not taken."""
    return [transport for transport in reactor.getWriters() if isinstance(transport, Transport)]


def has_idle_connections() -> bool:
    """Say whether an HTTP connection is open that has no request in the making."""
    return any(
        isinstance(reader, Transport) and isinstance(reader.protocol, Channel) and not reader.protocol.requests
        for reader in reactor.getReaders()
    )


def can_send_now(connection: "Request | WebSocket") -> bool:
    """Say whether the connection's bytes reach the socket as they are; inside TLS they don't."""
    transport = connection.transport if isinstance(connection, WebSocket) else connection.channel.transport
    return isinstance(transport, Transport)


class Transport:
    """Mixed into Twisted's transports: counts what the kernel took, which tells a stalled peer from a slow one."""

    protocol: Any
    socket: socket.socket
    dataBuffer: bytes
    _tempDataBuffer: list[bytes]
    channel: Any
    registerProducer: Any
    unregisterProducer: Any
    disconnecting: Any
    write: Any
    bytes_taken = 0
    clear_outlet: FanoutExtension | None = None

    def writeSomeData(self, data: bytes) -> Any:
        taken = super().writeSomeData(data)  # type: ignore[misc]
        if isinstance(taken, int):
            self.bytes_taken += taken
        return taken

    def send_now(self, data: bytes, outlet: FanoutExtension) -> bool:
        """Give `data` to the kernel; return False where bytes wait already or it takes none, and nothing was sent.

        Until anything else is written or the connection ends, `outlet` may do the same by itself.
        """
        if self._tempDataBuffer or self.dataBuffer or self.disconnecting:
            return False
        try:
            taken = self.socket.send(data)
        except OSError:
            # No room, or no peer any more: the ordinary way meets the same, and knows what to do.
            return False
        if taken < len(data):
            self.write(data[taken:])
            return True
        outlet.give = self.socket.send
        outlet.is_clear = True
        self.clear_outlet = outlet
        return True

    def _no_longer_clear(self) -> None:
        if self.clear_outlet is not None:
            self.clear_outlet.is_clear = False
            self.clear_outlet = None

    # Whatever is written, and every end of a connection, comes through one of these three.

    def startWriting(self) -> None:
        self._no_longer_clear()
        super().startWriting()  # type: ignore[misc]

    def abortConnection(self) -> None:
        self._no_longer_clear()
        super().abortConnection()  # type: ignore[misc]

    def connectionLost(self, reason: Any) -> None:
        self._no_longer_clear()
        super().connectionLost(reason)  # type: ignore[misc]


class TCPTransport(Transport, tcp.Server):
    """A TCP connection whose peer the kernel watches too."""

    def __init__(self, limits: Limits, sock: socket.socket, *rest: Any) -> None:
        # Small heartbeats sit in the send buffer of a connection whose peer has vanished: nobody would notice for the
        # quarter of an hour that the kernel retransmits. Keepalive does the same for connections that say nothing.
        options = [
            (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
            (socket.IPPROTO_TCP, "TCP_KEEPIDLE", max(1, int(limits.vanished_s / 2))),
            (socket.IPPROTO_TCP, "TCP_KEEPINTVL", max(1, int(limits.vanished_s / 6))),
            (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", int(limits.vanished_s * 1_000)),
            (socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", _UNSENT_IN_KERNEL_BYTES),
        ]
        for level, name, value in options:
            # Not every system has all of them.
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(level, option, value)
        super().__init__(sock, *rest)


class UNIXTransport(Transport, unix.Server):
    """A connection from a proxy on the same machine."""


class FlowProducer:
    """The push producer of a WebSocket's transport."""

    __slots__ = ("_flow",)

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def pauseProducing(self) -> None:
        self._flow.pause()

    def resumeProducing(self) -> None:
        self._flow.resume()

    def stopProducing(self) -> None:
        self._flow.resume()


class Channel(http.HTTPChannel):
    """One HTTP connection, and its transport's push producer until it becomes a WebSocket."""

    transport: Any
    requestFactory: Any

    def __init__(self, server: Any, limits: Limits) -> None:
        super().__init__()
        self.server = server
        self.limits = limits
        self.flow = Flow()
        self.websocket: WebSocket | None = None
        self.discarding = False
        self.arriving: Any = None  # while a request is on its way: the call that ends the wait for it

    def connectionMade(self) -> None:
        super().connectionMade()
        self._expect_request()
        # Not in the constructor: daphne's factory sets its own after that.
        self.requestFactory = Request
        # The transport is all that a WebSocket gets to know of this connection.
        self.transport.channel = self

    def pauseProducing(self) -> None:
        super().pauseProducing()
        self.flow.pause()

    def resumeProducing(self) -> None:
        super().resumeProducing()
        self.flow.resume()

    def stopProducing(self) -> None:
        super().stopProducing()
        self.flow.resume()

    def hand_over(self) -> None:
        """Leave the transport to the WebSocket: all it needs of this connection's beginning is the gate."""
        # TLS is a transport with producers of its own kind.
        if isinstance(self.transport, Transport):
            self.transport.unregisterProducer()
            self.transport.registerProducer(FlowProducer(self.flow), True)
            self.transport.channel = None
            self.requests.clear()  # they refer to each other, and would stay until a garbage collection

    def _expect_request(self) -> None:
        self.arriving = self.callLater(self.limits.request_s, self._give_up_request)

    def _stop_expecting(self) -> None:
        if self.arriving is not None and self.arriving.active():
            self.arriving.cancel()
        self.arriving = None

    def _give_up_request(self) -> None:
        # Twisted's own timer starts again with every byte: one a minute would keep a connection for ever.
        status.slow_requests_cut += 1
        self.discarding = True
        if self.requests:
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self.discarding:
            return
        # Between two requests it is Twisted's timer for idle connections that runs.
        if self.arriving is None and not self._handlingRequest:
            self._expect_request()
        super().dataReceived(data)

    def allContentReceived(self) -> None:
        self._stop_expecting()
        super().allContentReceived()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self._stop_expecting()
        super().connectionLost(reason)

    def allHeadersReceived(self) -> None:
        if self.length is not None and self.length > self.limits.max_body_bytes:
            self.refuse_body()
        else:
            super().allHeadersReceived()

    def refuse_body(self) -> None:
        """Answer 413 without having kept the body, and end the connection (RFC 9110 section 15.5.14)."""
        status.bodies_refused += 1
        self._stop_expecting()
        self.requests[-1].refused = True
        error = {
            "code": "body_too_large",
            "message": f"The request's body is larger than {self.limits.max_body_bytes} bytes.",
            "hint": "Send less at a time.",
        }
        body = json.dumps({"error": error}).encode()
        head = (
            "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        # Closing now would reset the connection, since bytes are on their way, and a reset can overtake the answer.
        # Read on into the void until the client has seen it and leaves.
        self.discarding = True
        self.callLater(self.limits.linger_s, self.forceAbortClient)


class Request(WebRequest):
    """One HTTP request, with a body of limited size."""

    def __init__(self, channel: Channel, queued: int) -> None:
        # Twisted would parse forms into a second copy that nobody reads.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self.flow = channel.flow
        self.body_bytes = 0
        self.refused = False

    def handleContentChunk(self, data: bytes) -> None:
        # A chunked body has no length to refuse it by.
        self.body_bytes += len(data)
        if self.refused:
            return
        if self.body_bytes > self.channel.limits.max_body_bytes:
            self.channel.refuse_body()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self.refused:
            super().requestReceived(command, path, version)

    def process(self) -> Any:
        channel = self.channel
        done = super().process()
        websocket = channel.websocket
        if websocket is not None:
            channel.hand_over()
        # What a client sends before it was accepted would pile up, and autobahn would take it for another handshake.
        # Only now: `process` ends by making the transport read again.
        if websocket is not None and websocket.state == websocket.STATE_CONNECTING:
            websocket.hold_reading()
        return done

    @property
    def has_no_body(self) -> bool:
        """Say whether the answer is one to HEAD, or has a status without a body; known once it has begun."""
        # Twisted then gives the request a `write` of its own, which swallows; daphne calls the class's.
        return "write" in self.__dict__

    def handle_reply(self, message: dict[str, Any]) -> None:
        if self.has_no_body and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        super().handle_reply(message)
        if message["type"] == "http.response.start":
            if status.draining:
                self.end_with_this_response()
        elif message.get("more_body") and self.clean_headers:
            self._forget_request()

    def _forget_request(self) -> None:
        """Let go of the request's texts, which Twisted keeps for as long as its answer goes on; the scope has them."""
        self.requestHeaders = _NO_HEADERS
        self.clean_headers = ()
        self.received_cookies = self.args = _NOTHING

    @property
    def frame(self) -> Frame | None:
        """See `fanout`."""
        if not self.startedWriting or self.finished or self._disconnected or self.has_no_body:
            return None
        return http_chunk if self.chunked else unframed

    def send_now(self, framed: bytes, outlet: FanoutExtension) -> bool:
        """See `fanout`."""
        return self.frame is not None and self.channel.transport.send_now(framed, outlet)

    def send_rest(self, rest: bytes) -> None:
        """See `fanout`."""
        self.channel.transport.write(rest)

    def end_with_this_response(self) -> None:
        """Close the connection after the response, and say so if its headers have not left yet."""
        if not self.finished and self.channel is not None and self._response_started:
            self.responseHeaders.setRawHeaders(b"connection", [b"close"])
            self.channel.persistent = False

    def application_ended(self, failed: bool) -> None:
        """Leave no client waiting for the rest of an answer that nobody gives."""
        if self.finished or self.channel is None:
            return
        if self._response_started:
            # Without its last chunk, so that the client can tell.
            self.channel.loseConnection()
        else:
            self.basic_error(500, b"Internal Server Error", "The application gave no answer.")

    def handle_exception(self, exception: BaseException) -> None:
        # Daphne would begin a second response, and the error of that would end its clean-up of connections for good.
        self.application_ended(failed=True)


class WebSocket(WebSocketProtocol):
    """One WebSocket, with bounded input, empty messages, and reasons in its close frames."""

    reading_held = False

    def connectionMade(self) -> None:
        channel: Channel = self.transport.channel
        channel.websocket = self
        self.flow = channel.flow
        super().connectionMade()

    def onConnect(self, request: Any) -> Any:
        # Daphne decodes it as ASCII, and would answer anything else with a 500 and a traceback in the log.
        if not request.headers.get("sec-websocket-protocol", "").isascii():
            raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, "Sec-WebSocket-Protocol is not ASCII")
        return super().onConnect(request)

    def onOpen(self) -> None:
        super().onOpen()
        self._forget_handshake()
        self.release_reading()
        self.server.websocket_opened(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        # One that failed or was refused in its handshake is not (or no longer) known, which daphne takes for granted.
        if self in self.factory.server_class.connections:
            super().onClose(wasClean, code, reason)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        # Once a close frame is out, nobody waits for messages.
        if self.state == self.STATE_OPEN:
            super().onMessage(payload, isBinary)

    def _forget_handshake(self) -> None:
        """Let go of the request's texts: kilobytes of each open connection, the more headers a browser sends."""
        self.request.headers = self.request.params = None  # daphne wants its path once more
        # Made for what cuts messages into pieces or sends in turns, which nothing here does.
        self.send_queue = ()
        # A dictionary does not shrink: one of 101 entries has room for 170 and takes 3.3 KB, one of up to 85 half that.
        self.__dict__ = {name: value for name, value in vars(self).items() if name not in _OF_HANDSHAKE}

    # Bounded input

    def hold_reading(self) -> None:
        """Take no more from the peer; what has arrived stays in autobahn's buffer."""
        self.reading_held = True
        self.transport.pauseProducing()

    def release_reading(self) -> None:
        """Go on with what has arrived, then with what comes."""
        self.reading_held = False
        self.consumeData()
        if not self.reading_held:
            self.transport.resumeProducing()

    def processData(self) -> bool:
        # One read can hold ten thousand empty messages: stop in the middle of it.
        return not self.reading_held and super().processData()

    def onAutoPingTimeout(self) -> None:
        # Its pong may be among what we chose not to read.
        if self.reading_held:
            self.autoPingTimeoutCall = None
        else:
            super().onAutoPingTimeout()

    def _max_message_size_exceeded(self, *args: Any) -> None:
        status.messages_refused += 1
        super()._max_message_size_exceeded(*args)

    # Output

    def handle_reply(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.send":
            self._send_message(message.get("text"), message.get("bytes"))
        elif kind == "websocket.close" and self.state != self.STATE_CONNECTING:
            self.serverClose(message.get("code"), message.get("reason"))
        else:
            super().handle_reply(message)

    def _send_message(self, text: str | None, data: bytes | None) -> None:
        if (text is None) == (data is None):
            raise ValueError('A "websocket.send" carries either "text" or "bytes", one of them and not None.')
        if self.state == self.STATE_CONNECTING:
            raise ValueError('A "websocket.send" came before "websocket.accept"; accept the connection first.')
        # The peer may have gone a moment ago, which is no mistake of the application's.
        if self.state == self.STATE_OPEN:
            # Not `sendMessage`: it holds what we send to the limit of what we receive.
            if text is not None:
                self.sendFrame(opcode=self.MESSAGE_TYPE_TEXT, payload=text.encode())
            else:
                self.sendFrame(opcode=self.MESSAGE_TYPE_BINARY, payload=data)

    @property
    def frame(self) -> Frame | None:
        """See `fanout`."""
        return websocket_text if self.state == self.STATE_OPEN else None

    def send_now(self, framed: bytes, outlet: FanoutExtension) -> bool:
        """See `fanout`."""
        return self.state == self.STATE_OPEN and self.transport.send_now(framed, outlet)

    def send_rest(self, rest: bytes) -> None:
        """See `fanout`."""
        self.transport.write(rest)

    def serverClose(self, code: int | None = None, reason: str | None = None) -> None:
        # Autobahn cuts the reason to the 123 bytes that fit, and not within a character.
        self.sendClose(code=1000 if code is None else code, reason=reason or None)

    def application_ended(self, failed: bool) -> None:
        """Close a connection that nobody serves any more."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=1011 if failed else 1000)

    def close_for_restart(self) -> None:
        """Close on the server's own account, with a code that autobahn allows no application to use."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=CLOSE_SERVICE_RESTART, reasonUtf8=b"server restart")

    def sendCloseFrame(self, *args: Any, **kwargs: Any) -> None:
        super().sendCloseFrame(*args, **kwargs)
        # The peer's answer may be behind messages that nobody reads any more.
        if self.reading_held and self.state == self.STATE_CLOSING:
            self.release_reading()

    def dropConnection(self, abort: bool = False) -> None:
        # Autobahn aborts once both close frames have been seen, with ours still in the transport's buffer if the two
        # crossed. Aborting is for peers that did not answer.
        super().dropConnection(abort and not self.wasClean)
        # It has just unregistered the producer: nobody else would wake the application that waits to send.
        self.flow.resume()
