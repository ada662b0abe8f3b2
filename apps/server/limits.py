"""The server's limits: each has a default, and each is an option of the command line."""

import argparse
import dataclasses
from dataclasses import dataclass
from typing import Any, Self

KIB = 1024


def _limit(default: float, help: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a connection may take, and how long; all numbers are positive."""

    stall_s: float = _limit(12.0, "Seconds after which a connection that takes none of the waiting bytes is cut")
    # A stream that sends something every 15 s notices a peer that vanished within 15 + 25 s.
    vanished_s: float = _limit(25.0, "Seconds without an acknowledgement after which the kernel gives a peer up")
    # Less than deploy/Caddyfile's, which has the reason.
    request_s: float = _limit(4.0, "Seconds that a request may take to arrive in full, headers and body")
    max_body_bytes: int = _limit(1024 * KIB, "Largest HTTP request body; a larger one is answered with 413")
    linger_s: float = _limit(5.0, "Seconds during which the rest of a refused body is read and thrown away")
    max_message_bytes: int = _limit(64 * KIB, "Largest WebSocket frame or message; a larger one closes with 1009")
    inbox_bytes: int = _limit(256 * KIB, "Bytes of WebSocket messages that may wait for their application")
    ping_s: float = _limit(15.0, "Seconds of silence after which a WebSocket's peer is pinged")
    close_handshake_s: float = _limit(3.0, "Seconds a WebSocket peer has to answer a close frame")
    backlog: int = _limit(4096, "Connections that may wait to be accepted (the kernel's somaxconn caps it)")
    drain_s: float = _limit(8.0, "Seconds that open connections have to end once the server was told to stop")
    closes_per_s: float = _limit(50.0, "Connections asked to end per second of the drain, at least; it ends in time")
    idle_grace_s: float = _limit(1.0, "Seconds of the drain in which idle connections may still send a request")
    cancel_s: float = _limit(0.5, "Seconds to clean up, once after the drain and once more after a cancellation")
    exit_s: float = _limit(10.0, "Seconds after which the process ends whatever still runs, from the signal on")

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add one option for each limit, such as `--drain-s 8`."""
        group = parser.add_argument_group("limits")
        for field in dataclasses.fields(cls):
            group.add_argument(
                f"--{field.name.replace('_', '-')}",
                type=type(field.default),
                default=field.default,
                metavar="N",
                help=f"{field.metadata['help']} (default: %(default)s).",
            )

    @classmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Self:
        """Return the limits among parsed `arguments`."""
        return cls(**{field.name: arguments[field.name] for field in dataclasses.fields(cls)})
