"""The server: daphne's, with flow control, bounded input and a drain."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import daphne.server
from twisted.internet.defer import Deferred

from apps.server import adapter
from apps.server.drain import DrainExtension
from apps.server.fanout import FanoutExtension
from apps.server.inbox import Inbox
from apps.server.lifespan import Lifespan
from apps.server.limits import Limits
from apps.server.status import status

logger = logging.getLogger(__name__)

# Share of the drain in which turns come; the rest is for the last ones to say goodbye.
_TURNS_SHARE = 0.88
# Looks at the connections in the time after which a stalled one is cut, and how many in a row have to find it stalled:
# after something blocked the event loop for that long, no connection has got on, which one look would blame on all.
_LOOKS_PER_STALL = 20
_LOOKS_BEFORE_CUT = 3


@dataclass(slots=True)
class _Waiting:
    """A connection with bytes that the kernel does not take."""

    bytes_taken: int  # when this began
    since: float  # seconds of time.monotonic()
    looks: int = 0


class Server(daphne.server.Server):
    """Daphne's server for one ASGI application.

    - `send` waits while the peer does not read; a peer that takes nothing for `stall_s` is cut.
    - What a peer sends is bounded: bodies (413), WebSocket messages (1009), messages that wait for their application.
    - An application that takes part in the ASGI lifespan is told of start and stop.
    - SIGTERM and SIGINT start a drain (see `drain`); a second one ends it at once. `status` says it is on.

    Args:
        limits: see `Limits`.
        options: daphne's own, see `daphne.server.Server`.
    """

    def __init__(self, application: Any, *, limits: Limits | None = None, **options: Any) -> None:
        self.limits = limits or Limits()
        options.setdefault("ping_interval", self.limits.ping_s)
        options.setdefault("websocket_max_message_size", self.limits.max_message_bytes)
        options.setdefault("websocket_max_frame_size", self.limits.max_message_bytes)
        signal_handlers = options.pop("signal_handlers", True)
        ready_callable = options.pop("ready_callable", None)
        endpoints = [self._with_backlog(endpoint) for endpoint in options.pop("endpoints", ())]
        # Twisted's signal handlers would do for the first signal, but not hurry with the second.
        super().__init__(
            application, endpoints=endpoints, signal_handlers=False, ready_callable=self._get_ready, **options
        )
        self._handles_signals = signal_handlers
        self._when_ready = ready_callable
        self.listen_failure: BaseException | None = None
        self._ports: list[Any] = []
        self._waiting: dict[Any, _Waiting] = {}
        self._hurry: asyncio.Event | None = None
        self._lifespan = Lifespan(application, self.stop)
        self._deadline = 0.0  # of the drain; seconds of time.monotonic()

    # Start

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)
        adapter.fit_port(port, self.limits)

    def listen_error(self, failure: Any) -> None:
        # Whoever runs the server says it, once.
        self.listen_failure = failure.value
        self.stop()

    def _with_backlog(self, endpoint: str) -> str:
        # Daphne's 50 make the fifty-first of those that connect at once wait for a second.
        if endpoint.startswith(("tcp:", "ssl:", "unix:")) and ":backlog=" not in endpoint:
            return f"{endpoint}:backlog={self.limits.backlog}"
        return endpoint

    def _get_ready(self) -> None:
        # Daphne calls this when it listens and the reactor is about to run: nothing has been accepted yet.
        adapter.fit(self, self.limits)
        if self.verbosity <= 1:
            adapter.show_failures()
        loop = asyncio.get_event_loop()
        self._hurry = asyncio.Event()
        if self._handles_signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop_on_signal)
        adapter.reactor.callLater(self._look_s, self._cut_stalled)
        # The collector is most of the latency's tail. What was imported stays for good: don't go through it again and
        # again; and collect less often, since little of what a connection leaves behind is cyclic.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        self._lifespan.start(loop)
        if self._when_ready:
            self._when_ready()

    # Connections

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Inbox | None:
        if protocol not in self.connections:
            return None
        drain = DrainExtension()
        if status.draining:
            drain.come(self._deadline)
        scope.setdefault("asgi", {"version": "3.0"})
        scope["extensions"] = {**scope.get("extensions", {}), "drain": drain}
        if adapter.can_send_now(protocol):
            scope["extensions"]["fanout"] = FanoutExtension(protocol)
        if isinstance(protocol, adapter.WebSocket):
            inbox = Inbox(self.limits.inbox_bytes, protocol.hold_reading, protocol.release_reading)
        else:
            # A body is bounded as a whole, and all of it is there.
            inbox = Inbox(self.limits.max_body_bytes, hold=_nothing, release=_nothing)
        send = partial(self.handle_reply, protocol)
        task = asyncio.ensure_future(self.application(scope, inbox.get, send))
        task.add_done_callback(lambda task: protocol.application_ended(_has_failed(task)))
        self.connections[protocol] |= {"application_instance": task, "drain": drain, "inbox": inbox}
        return inbox

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        # A close needs no room: it ends the wait of the others.
        if protocol.flow.paused and message["type"] != "websocket.close":
            await protocol.flow.writable()
        await super().handle_reply(protocol, message)

    def websocket_opened(self, websocket: adapter.WebSocket) -> None:
        """Close a WebSocket at once that opened into a drain its application does not watch."""
        drain = self.connections[websocket].get("drain")
        if status.draining and drain is not None and not drain.watched:
            websocket.close_for_restart()

    @property
    def _look_s(self) -> float:
        return self.limits.stall_s / _LOOKS_PER_STALL

    def _cut_stalled(self) -> None:
        now = time.monotonic()
        waiting = {}
        for transport in adapter.waiting_to_send():
            seen = self._waiting.get(transport)
            if seen is None or seen.bytes_taken != transport.bytes_taken:
                seen = _Waiting(transport.bytes_taken, since=now)
            seen.looks += 1
            if now - seen.since >= self.limits.stall_s and seen.looks > _LOOKS_BEFORE_CUT:
                status.stalled_cut += 1
                logger.warning("Cut %r: it took nothing for %g s while bytes waited", transport, now - seen.since)
                transport.abortConnection()
            else:
                waiting[transport] = seen
        self._waiting = waiting
        adapter.reactor.callLater(self._look_s, self._cut_stalled)

    # Stop

    def _stop_on_signal(self) -> None:
        if status.draining:
            assert self._hurry is not None
            self._hurry.set()
        else:
            self._begin_drain()
            self.stop()

    def _begin_drain(self) -> None:
        if not status.draining:
            status.draining = True
            self._deadline = time.monotonic() + self.limits.drain_s

    def kill_all_applications(self) -> Deferred[None]:
        # Daphne calls this before the reactor stops, and the reactor waits for it.
        return Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        self._begin_drain()
        _leave_after(self.limits.exit_s)
        try:
            await self._stop_listening()
            self._call_turns()
            await self._until_all_have_gone()
            await self._end_the_rest()
        except Exception:
            logger.exception("The drain failed; what is left is dropped")

    async def _stop_listening(self) -> None:
        for port in self._ports:
            # Who is in the backlog has been told by the kernel that it is connected: take it in, or it is reset.
            port.doRead()
            await port.stopListening().asFuture(asyncio.get_running_loop())

    def _call_turns(self) -> None:
        turns: list[tuple[Any, DrainExtension]] = []
        for protocol, details in self.connections.items():
            drain = details.get("drain")
            if drain is None:
                continue
            if isinstance(protocol, adapter.Request):
                protocol.end_with_this_response()
            if "disconnected" not in details and (drain.watched or isinstance(protocol, adapter.WebSocket)):
                turns.append((protocol, drain))
            else:
                # Nobody to say goodbye to, or an ordinary request, which may begin to watch yet.
                drain.come(self._deadline)
        if turns:
            logger.info("Stopping: %d connections are asked to end", len(turns))
            pause_s = min(1 / self.limits.closes_per_s, _TURNS_SHARE * self.limits.drain_s / len(turns))
            loop = asyncio.get_running_loop()
            for place, (protocol, drain) in enumerate(turns):
                loop.call_later(place * pause_s, self._call_turn, protocol, drain)

    def _call_turn(self, protocol: Any, drain: DrainExtension) -> None:
        drain.come(self._deadline)
        if isinstance(protocol, adapter.WebSocket) and not drain.watched:
            protocol.close_for_restart()

    async def _until_all_have_gone(self) -> None:
        assert self._hurry is not None
        grace_until = time.monotonic() + self.limits.idle_grace_s
        while not self._hurry.is_set() and (now := time.monotonic()) < self._deadline:
            in_grace = now < grace_until
            # A proxy may be about to use a connection it keeps: in the grace such a request is answered, not reset.
            if not self._is_busy(half_sent=in_grace) and not (in_grace and adapter.has_idle_connections()):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), 0.02)

    def _is_busy(self, half_sent: bool) -> bool:
        # `half_sent`: count requests that have not arrived in full too.
        for details in self.connections.values():
            task = details.get("application_instance")
            if task is not None and not task.done():
                return True
            if "disconnected" not in details and (half_sent or "drain" in details):
                return True
        return bool(adapter.waiting_to_send())

    async def _end_the_rest(self) -> None:
        # First as if their clients had left, which is the one end that every framework cleans up after: cancelling
        # Django's handler from outside leaves the view's own task behind, and its `finally` unrun.
        tasks = []
        for protocol, details in self.connections.items():
            task = details.get("application_instance")
            if task is None or task.done():
                continue
            tasks.append(task)
            if isinstance(protocol, adapter.WebSocket):
                protocol.close_for_restart()
                details["inbox"].put_nowait({"type": "websocket.disconnect", "code": adapter.CLOSE_SERVICE_RESTART})
            else:
                details["inbox"].put_nowait({"type": "http.disconnect"})
        if tasks:
            logger.warning("%d applications did not end within the drain", len(tasks))
            await asyncio.wait(tasks, timeout=self.limits.cancel_s)
        await self._lifespan.shut_down(self.limits.cancel_s)
        # Then whatever is left, background tasks of the applications included.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=self.limits.cancel_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().shutdown_asyncgens(), self.limits.cancel_s)


def _nothing() -> None:
    pass


def _has_failed(task: "asyncio.Future[None]") -> bool:
    return task.cancelled() or task.exception() is not None


def _leave_after(seconds: float) -> None:
    """End the process after `seconds` even if a thread hangs, in a query to a frozen database for example."""

    def leave() -> None:
        threads = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
        logger.error("Still running %g s after the signal; leaving without waiting for %s", seconds, threads)
        logging.shutdown()
        os._exit(1)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
