"""Who is in the lab, and which runs are theirs.

A visitor is a random number in a signed cookie, a run a topic that has this number in its name. Whose a run is can
thus be told without asking anybody, in every process alike.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse, parse_cookie

from apps.transports.refusal import Refusal

COOKIE = "lab_visitor"
_VISITOR = re.compile(r"[0-9a-f]{16}")
_RUN = re.compile(r"lab\.([0-9a-f]{16})\.[0-9a-f]{8}")


def welcome(request: HttpRequest, response: HttpResponse) -> None:
    """Give a visitor the cookie that says who they are, unless they have it."""
    if _read(request.COOKIES) is None:
        response.set_cookie(
            COOKIE, _signer().sign(secrets.token_hex(8)), httponly=True, samesite="Lax", secure=request.is_secure()
        )


def visitor_of(cookies: Mapping[str, str]) -> str:
    """Return the visitor's number.

    Raises:
        Refusal: 403, they have none.
    """
    visitor = _read(cookies)
    if visitor is None:
        raise Refusal(403, "no_visitor", "no visitor of the lab is known by this cookie", "load the page /lab/ again")
    return visitor


def cookies_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the cookies of an ASGI scope."""
    return parse_cookie(b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1"))


def new_run(visitor: str) -> str:
    """Return the topic of a new run of this visitor."""
    return f"lab.{visitor}.{secrets.token_hex(4)}"


def check_owner(visitor: str, run: str) -> None:
    """Let pass whose run it is.

    Raises:
        Refusal: 404, that is no run; 403, it is somebody else's.
    """
    match = _RUN.fullmatch(run)
    if match is None:
        raise Refusal(404, "no_such_run", f"{run[:60]!r} is not a run of the lab", "begin one with POST /lab/runs")
    if match[1] != visitor:
        raise Refusal(403, "not_your_run", "this run is another visitor's", "begin one of your own: POST /lab/runs")


def _read(cookies: Mapping[str, str]) -> str | None:
    try:
        visitor = _signer().unsign(cookies.get(COOKIE, ""))
    except signing.BadSignature:
        return None
    return visitor if _VISITOR.fullmatch(visitor) else None


def _signer() -> signing.Signer:
    return signing.Signer(salt="apps.lab.visitor")
