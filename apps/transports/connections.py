"""The open connections of this process, and how each is asked to end."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.access import revocation
from apps.access.identity import Identity
from apps.transports.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a connection is asked to end, and when its client should come back.

    Args:
        reason: "life" (streams end now and then, so that permissions are checked again), "drain" (the server is going
            away), "signed_out", "revoked", "token_expired", or another word for the client.
        retry_ms: milliseconds until the client should reconnect.
        message: the reason for people, where the word does not say it all.
        at_once: a right ended: what was read, but not yet handed out, is kept back.
    """

    reason: str
    retry_ms: int
    message: str = ""
    at_once: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """The members of a `close` frame."""
        message = {"message": self.message} if self.message else {}
        return {"reason": self.reason, **message, "retry_ms": self.retry_ms}


class Connection:
    """One open stream, long poll or socket.

    Args:
        extensions: what its server offers beyond ASGI.
    """

    def __init__(
        self, door: str, identity: Identity, topics: tuple[str, ...], extensions: Mapping[str, Any] | None = None
    ) -> None:
        self.door = door
        self.identity = identity
        self.topics = topics
        self.extensions = extensions or {}
        self.opened_at = int(time.time() * 1_000) / 1_000  # whole milliseconds, as an event's time
        self.is_cut = False  # whether nothing more may be handed out
        self.stopped: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        # Called when the connection is stopped, before `stop` returns. [race] Who waits for `stopped` runs a moment
        # later, and in between somebody else may hand out what was cut.
        self.on_stop: Callable[[], object] | None = None

    def stop(self, stop: Stop) -> None:
        """Ask the connection to end; the first reason counts, and an end at once makes any end one at once."""
        self.is_cut = self.is_cut or stop.at_once
        if not self.stopped.done():
            self.stopped.set_result(stop)
        if self.on_stop is not None:
            self.on_stop()


_open: set[Connection] = set()


@contextlib.contextmanager
def opened(
    door: str,
    scope: Mapping[str, Any],
    identity: Identity,
    topics: tuple[str, ...],
    life_s: tuple[float, float] | None = None,
) -> Iterator[Connection]:
    """Count a connection as open while it is served, and cut it when `identity` loses the right to read `topics`.

    That is when somebody takes it away, and when the credential expires.

    Args:
        scope: its ASGI scope. If the server offers the `drain` extension, a drain stops the connection.
        life_s: the span, in seconds, in which the end of its life is drawn; None for no end. Random, so that
            connections that came together don't leave together.
    """
    connection = Connection(door, identity, topics, scope.get("extensions"))
    _open.add(connection)
    loop = asyncio.get_running_loop()
    timers = []
    if life_s is not None:
        timers.append(loop.call_later(random.uniform(*life_s), connection.stop, _stop("life")))
    if identity.expires_at is not None:
        expired = _stop("token_expired", "the token that you came with has expired", at_once=True)
        timers.append(loop.call_later(identity.expires_at - time.time(), connection.stop, expired))
    if (drain := connection.extensions.get("drain")) is not None:
        drain.on_turn(lambda goodbye: connection.stop(Stop("drain", goodbye.retry_ms)))
    held = revocation.current().holding(
        identity,
        topics,
        scope.get("identified_at", 0.0),
        lambda why: connection.stop(_stop(why.reason, why.message, at_once=True)),
    )
    try:
        with held:
            yield connection
    finally:
        _open.discard(connection)
        connection.extensions = {}  # they hold the connection in turn, and would keep it until a garbage collection
        for timer in timers:
            timer.cancel()


def _stop(reason: str, message: str = "", *, at_once: bool = False) -> Stop:
    # Clients that are ended together come back apart.
    return Stop(reason, random.randrange(2_000), message, at_once)


def refuse_if_cut(connection: Connection) -> None:
    """Keep back the answer to a poll that `connection` may no longer have.

    Raises:
        Refusal: 403 or 401 with the reason; 503 where the client should simply ask again.
    """
    if not connection.is_cut:
        return
    stop = connection.stopped.result()
    if stop.reason in ("signed_out", "revoked"):
        raise Refusal(403, stop.reason, stop.message, "reload the page, or sign in as somebody who may")
    if stop.reason == "token_expired":
        raise Refusal(401, stop.reason, stop.message, "come back with another one")
    raise Refusal(503, "rights_moved", stop.message or "your rights may have changed", "ask again", retry_after_s=1)


def open_connections() -> frozenset[Connection]:
    """Return the open connections of this process."""
    return frozenset(_open)


def open_counts() -> dict[str, int]:
    """Return how many connections are open in this process, per door; doors without any are left out."""
    return dict(Counter(connection.door for connection in _open))
