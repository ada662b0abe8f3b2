"""Who is doing what is being done, known wherever it is written down.

What changes a notification is deep below whoever was asked to do it: the admin, a command, the API. Handing the person
down through every function in between would make all of them speak of it; so it lies in the context of the request.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from apps.access.client_address import client_address


@dataclass(frozen=True)
class Actor:
    """Somebody, or a program.

    Args:
        via: the way they came, one of models.Via.
        user_id: the primary key of the user, as text; empty: no user.
        name: what they sign in as; of a program, what it is called.
        key: the API key they came with, as people know it; empty: none.
        address: where they came from; None: from this machine, or not known.
    """

    via: str
    user_id: str = ""
    name: str = ""
    key: str = ""
    address: str | None = None


CODE = Actor("code")

_current: ContextVar[Actor | HttpRequest] = ContextVar("actor", default=CODE)


def current() -> Actor:
    """Return who is acting. In a request that may run the query for its user."""
    acting = _current.get()
    return of_request(acting) if isinstance(acting, HttpRequest) else acting


def of_request(request: HttpRequest, user: Any = None) -> Actor:
    """Return who acts in a request.

    Args:
        user: in whose name; None: who was named in it, or who is signed in.
    """
    named = getattr(request, "_actor", None)
    if named is not None and user is None:
        return named
    user = user or getattr(request, "user", None)
    known = user is not None and user.is_authenticated
    match = request.resolver_match
    return Actor(
        "admin" if match is not None and match.app_name == "admin" else "page",
        user_id=str(user.pk) if known else "",
        name=user.get_username() if known else "",
        address=_address(request),
    )


def name_in(request: HttpRequest, *, via: str, user_id: str | None, name: str, key: str = "") -> None:
    """Say who acts in a request that comes without a session, or by another way than a page; see Actor."""
    request.__dict__["_actor"] = Actor(via, user_id or "", name, key, _address(request))


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Have `actor` written down as who does what is done in here."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)


@sync_and_async_middleware
def acting_user(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: what is done in a request is done by who is signed in, from where it came."""

    async def answer_later(request: HttpRequest) -> HttpResponseBase:
        token = _current.set(request)
        try:
            return await get_response(request)
        finally:
            _current.reset(token)

    def answer(request: HttpRequest) -> HttpResponseBase:
        token = _current.set(request)
        try:
            return get_response(request)
        finally:
            _current.reset(token)

    return answer_later if iscoroutinefunction(get_response) else answer


def _address(request: HttpRequest) -> str | None:
    address = client_address(request)
    return None if address is None else str(address)
