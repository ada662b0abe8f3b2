"""A Django handler that holds no thread while an answer is open.

Django's own keeps one operating-system thread per open response: its synchronous `request_started` receivers make a
per-request executor, which lives until the response ends; 2,000 streams are 2,000 threads. It also leaves an async
generator's `finally` unrun when the server, not the client, ends a request.

Still Django: its URLs, its requests and responses, its async views, `StreamingHttpResponse`. What is missing: all
middleware, and the request signals, which manage connections of the ORM. A view here touches the database through
`apps.events.queries` only.
"""

import asyncio
import io
from collections.abc import Callable
from typing import Any

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponseBadRequest, HttpResponseBase
from django.urls import set_script_prefix

from apps.access.answer_headers import ON_DATA, with_headers
from apps.transports.refusal import Refusal, bad_request, refused

MAX_BODY_BYTES = 64 * 1024


class LeanHandler(ASGIHandler):
    """Serve async views, each in its connection's own task.

    Args:
        any_host: answer under any host name, not only those of ALLOWED_HOSTS: for probes, which ask by address.
    """

    def __init__(self, *, any_host: bool = False) -> None:
        super().__init__()
        self._any_host = any_host

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list = []
        self._template_response_middleware: list = []
        self._exception_middleware: list = []
        self._middleware_chain = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        body = await _read_body(receive)
        if body is None:
            return
        set_script_prefix(scope.get("root_path") or "/")
        # In this task, so that its end, whoever asks for it, is the view's: its `finally` blocks have run before this
        # returns.
        async with _WhileClientStays(receive):
            await self.send_response(await self._respond(scope, body), send)

    async def _respond(self, scope: dict[str, Any], body: bytes) -> HttpResponseBase:
        return with_headers(await self._answer(scope, body), ON_DATA)

    async def _answer(self, scope: dict[str, Any], body: bytes) -> HttpResponseBase:
        if len(body) > MAX_BODY_BYTES:
            return refused(_too_large())
        request, error = self.create_request(scope, io.BytesIO(body))
        if request is None:
            return error or HttpResponseBadRequest()
        if not self._any_host:
            try:
                request.get_host()
            except DisallowedHost:
                return refused(_not_our_host())
        response = await self.run_get_response(request)
        if response.streaming:
            # Django closes the request with the response, and so keeps both; all that a stream of hours has to close
            # is in its own iterator.
            request.close()
            response._resource_closers.remove(request.close)  # type: ignore[attr-defined]
        return response


class _WhileClientStays:
    """Cancel what is inside when the client leaves, and go on after it."""

    def __init__(self, receive: Callable) -> None:
        self._receive = receive
        self._leaving: asyncio.Task[None] | None = None
        self._has_left = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        # Not at once: an answer that waits for nothing is complete before this comes to be called, and a task that
        # only waits is a tenth of what it costs.
        self._start = asyncio.get_running_loop().call_soon(self._watch)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        self._start.cancel()
        if self._leaving is not None:
            self._leaving.cancel()
        # [race] The server may have cancelled this task too: then that counts.
        return self._has_left and self._task.uncancel() == 0 and kind is asyncio.CancelledError

    def _watch(self) -> None:
        self._leaving = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        await self._receive()  # after the body there is only `http.disconnect` to come
        self._has_left = True
        self._task.cancel()


def _too_large() -> Refusal:
    return Refusal(413, "body_too_large", f"the body is larger than {MAX_BODY_BYTES} bytes", "send less at a time")


def _not_our_host() -> Refusal:
    # Not the name that came: in a cache on the way it would be whatever somebody liked to send.
    return bad_request("bad_host", "the site does not answer under this host name", "add it to ALLOWED_HOSTS")


async def _read_body(receive: Callable) -> bytes | None:
    """Return the body, at most one byte more than allowed; None where the client left before its end."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body = (body + message.get("body", b""))[: MAX_BODY_BYTES + 1]
        if not message.get("more_body", False):
            return body
