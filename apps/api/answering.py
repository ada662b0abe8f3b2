"""What every address of the API has in common: answers in time, bodies that fit in memory, problems for errors."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from apps.access.bearer import in_address
from apps.api import pacing
from apps.api.bodies import MAX_BODY_BYTES
from apps.api.problems import problem
from apps.events import queries
from apps.events.queries import LogUnavailable
from apps.transports.refusal import Refusal

RETRY_AFTER_S = 2
_SAFE = ("GET", "HEAD", "OPTIONS")
_WITH_BODY = ("POST", "PUT", "PATCH")

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def in_time(pattern: URLPattern) -> URLPattern:
    """Return `pattern` with a view that runs in the log's threads, and answers 503 where that takes too long.

    All of it: who is asking is read from the database too.
    """
    view: View = pattern.callback

    # Exempt, because `credentials.Session` makes the check further in: Django's own comes before the view, and would
    # read a form of any size for the token.
    @csrf_exempt
    @functools.wraps(view)
    async def answered(request: HttpRequest, **captured: Any) -> HttpResponseBase:
        return pacing.tell(request, await answer(request, **captured))

    async def answer(request: HttpRequest, **captured: Any) -> HttpResponseBase:
        try:
            await pacing.begin(request)
            _check_address(request)
            if request.method in _WITH_BODY:
                # Django's `body` would read what came without a Content-Length whole.
                request._body = _body_of(request)
            run = queries.run if request.method in _SAFE else queries.write
            response = await run(view, request, **captured)
            return response if response.status_code != 405 else _another_method(request, response)
        except Refusal as refusal:
            return problem(refusal)
        except LogUnavailable:
            return problem(_unavailable(request))
        except Exception:
            logger.exception("%s %s broke", request.method, request.path)
            return problem(_broken())

    return path(str(pattern.pattern), answered, name=pattern.name)


def takes_json(run: View) -> View:
    """Wrap ninja's run of an operation: whatever else than JSON was sent is refused before anything is asked of it."""

    @functools.wraps(run)
    def checked(request: HttpRequest, *args: Any, **captured: Any) -> HttpResponseBase:
        if request.method in _WITH_BODY and request.content_type != "application/json":
            raise Refusal(
                415,
                "not_json",
                f"the body is declared as {request.content_type or 'nothing'!r}; expected application/json",
                "send JSON with Content-Type: application/json",
            )
        return run(request, *args, **captured)

    return checked


async def nowhere(request: HttpRequest, rest: str = "") -> HttpResponseBase:
    """Answer for what looks like an address of the API and is none."""
    return problem(
        Refusal(404, "no_such_address", f"nothing is served at {request.path[:200]!r}", "see /api/docs for what is")
    )


def _check_address(request: HttpRequest) -> None:
    if (name := in_address(dict(request.GET.lists()))) is not None:
        raise Refusal(
            400,
            "token_in_address",
            f"a token or a key came in the address, as {name[:60]!r}, where logs and histories keep it",
            "have it revoked, or let it expire, and send another one as Authorization: Bearer …",
        )


def _body_of(request: HttpRequest) -> bytes:
    # One byte more than fits, whatever a Content-Length said or did not say.
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Refusal(
            413,
            "too_large",
            f"the body is larger than {MAX_BODY_BYTES} bytes",
            "send less at a time; store what is large elsewhere and publish a link to it",
        )
    return body


def _another_method(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    allowed = ", ".join(sorted(response["Allow"].split(", ")))
    told = problem(
        Refusal(
            405, "method_not_allowed", f"{request.method} was sent; only {allowed} is served here", f"use {allowed}"
        )
    )
    told["Allow"] = allowed
    return told


def _unavailable(request: HttpRequest) -> Refusal:
    if request.method in _SAFE:
        message, hint = "the database did not answer", "nothing is lost: ask again"
    else:
        message = "the database did not answer; whether anything was written is unknown"
        hint = "send it again: with a 'key', the same one each time, it is written once"
    return Refusal(503, "log_unavailable", message, hint, retry_after_s=RETRY_AFTER_S)


def _broken() -> Refusal:
    return Refusal(
        500,
        "internal_error",
        "something broke while this was served; whether anything was written is unknown",
        "send it again with its key, or ask whoever runs the site, whose log says what it was",
    )
