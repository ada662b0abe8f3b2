"""What is measured, as data: scenarios and their loads."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

# How a scenario is measured, see `measuring`.
Kind = Literal["fan_out", "hold", "short_poll", "long_poll", "publish", "spread"]


@dataclass(frozen=True)
class Load:
    """Events at a rate.

    Args:
        events: how many.
        rate_per_s: how many a second; above what a server can do, it shows what it can do.
        size_bytes: of an event as JSON.
    """

    name: str
    events: int
    rate_per_s: float
    size_bytes: int = 200


PACED = Load("paced", 30, 10)
BURST = Load("burst", 100, 200)
STEADY = Load("steady", 100, 100)  # what a coalescing window is for


@dataclass(frozen=True)
class Scenario:
    """One measurement, made of each peer in turn.

    Args:
        title: what it shows, in words; `{clients}` is how many.
        door: the one that clients come through; a name of `apps.transports.registry`.
        clients: how many connections; for `publish`, how many publishers.
        peers: who is compared; names of `peers.PEERS`.
        loads: one after the other, on the same connections.
        seconds: how long, where it is time that ends it.
        processes: of the server.
    """

    name: str
    title: str
    kind: Kind
    door: str
    clients: int
    peers: tuple[str, ...]
    loads: tuple[Load, ...] = ()
    seconds: float = 3.0
    processes: int = 1
    details: dict[str, Any] = field(default_factory=dict)

    def changed(self, *, clients: int | None, events: int | None, rate_per_s: float | None, size: int | None) -> Self:
        """Return this scenario with what the command line says otherwise."""
        loads = tuple(
            replace(
                load,
                events=events or load.events,
                rate_per_s=rate_per_s or load.rate_per_s,
                size_bytes=size or load.size_bytes,
            )
            for load in self.loads
        )
        return replace(self, clients=clients or self.clients, loads=loads)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "websocket-1000",
            "{clients} WebSocket clients",
            "fan_out",
            "websocket",
            1_000,
            ("site", "site-redis", "node-ws", "site-daphne", "site-uvicorn", "channels-redis", "channels-memory"),
            (PACED, BURST, STEADY),
        ),
        Scenario(
            "sse-1000",
            "{clients} SSE clients",
            "fan_out",
            "sse",
            1_000,
            ("site", "site-redis", "node-express", "site-daphne", "site-uvicorn", "queue-sse"),
            (PACED, BURST, STEADY),
        ),
        Scenario(
            "websocket-100",
            "{clients} WebSocket clients",
            "fan_out",
            "websocket",
            100,
            ("site", "node-ws"),
            (PACED, BURST),
        ),
        Scenario(
            "websocket-5000",
            "{clients} WebSocket clients",
            "fan_out",
            "websocket",
            5_000,
            ("site", "node-ws"),
            (Load("paced", 30, 4), Load("burst", 40, 200)),
        ),
        Scenario(
            "hold-websocket-2000",
            "{clients} idle WebSocket connections",
            "hold",
            "websocket",
            2_000,
            ("site", "site-crowd", "site-anonymous", "node-ws"),
        ),
        Scenario(
            "hold-sse-2000",
            "{clients} idle SSE connections",
            "hold",
            "sse",
            2_000,
            ("site", "node-express"),
        ),
        Scenario(
            "short-poll",
            "{clients} connections that poll as fast as they can, nothing new",
            "short_poll",
            "short_poll",
            16,
            ("site-anonymous", "node-express"),
        ),
        Scenario(
            "short-poll-conditional",
            "{clients} connections that poll with If-None-Match: 304",
            "short_poll",
            "short_poll",
            16,
            ("site-anonymous", "node-express"),
            details={"conditional": True},
        ),
        Scenario(
            "long-poll-500",
            "{clients} clients that wait in a long poll",
            "long_poll",
            "long_poll",
            500,
            ("site-anonymous", "site", "node-express"),
            (Load("paced", 10, 2),),
        ),
        Scenario(
            "publish-16",
            "{clients} publishers to one topic, PostgreSQL",
            "publish",
            "",
            16,
            ("log-append", "bare-insert"),
        ),
        Scenario(
            "spread-3",
            "{clients} WebSocket clients on one process or three, two cores",
            "spread",
            "websocket",
            1_000,
            ("site-three", "site-one"),
            (Load("burst", 100, 400),),
        ),
    )
}
