"""What the lab's page asks for while it is open. On the lean handler: nothing here holds a thread, or slows a lane."""

import functools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware

from apps.access.client_address import counted_address
from apps.events import feed, log, queries
from apps.events.cursor import START
from apps.events.queries import LogUnavailable
from apps.lab import limits, publisher
from apps.lab.asked import fault_from, workload_from
from apps.lab.faults import EVENT_TYPE, STOP_TYPE, topic_of
from apps.lab.visitor import check_owner, new_run, visitor_of
from apps.operations import roll_call
from apps.transports.refusal import Refusal, refused, unavailable

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
NOT_KEPT = {"Cache-Control": "no-store"}


def for_visitors(method: str) -> Callable[[View], View]:
    """Hand a view the visitor, and turn its refusals into answers; what changes something is checked for CSRF."""

    def decorated(view: View) -> View:
        @functools.wraps(view)
        async def answered(request: ASGIRequest, **arguments: str) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise Refusal(405, "method_not_allowed", f"{request.method} was sent; {method} is", f"use {method}")
                if method == "POST" and (failure := _csrf_failure(request)) is not None:
                    return failure
                visitor = visitor_of(request.COOKIES)
                if "run" in arguments:
                    check_owner(visitor, arguments["run"])
                return await view(request, visitor, **arguments)
            except Refusal as refusal:
                answer = refused(refusal)
            except LogUnavailable:
                answer = refused(unavailable())
            if answer.status_code == 405:
                answer["Allow"] = method
            return answer

        return answered

    return decorated


@for_visitors("POST")
async def runs(request: ASGIRequest, visitor: str) -> HttpResponseBase:
    """Begin a run: 201 with its topic, and the place before its first event."""
    await limits.take_action(visitor, counted_address(request.scope))
    run = new_run(visitor)
    start = await feed.current().resolve((run,), START)
    return JsonResponse({"run": run, "cursor": start.text}, status=201, headers=NOT_KEPT)


@for_visitors("POST")
async def events(request: ASGIRequest, visitor: str, run: str) -> HttpResponseBase:
    """Publish to a run: one event, a burst, or a steady rate, which goes on after the answer (202)."""
    workload = workload_from(request.body)
    await limits.take_action(visitor, counted_address(request.scope))
    if workload.events is not None:
        await publisher.publish_now(run, workload.events, workload.size_bytes)
        return JsonResponse({"events": workload.events}, status=201, headers=NOT_KEPT)
    publisher.publish_steadily(visitor, run, workload.rate_per_s, workload.duration_s, workload.size_bytes)
    return JsonResponse({"events": workload.rate_per_s * workload.duration_s}, status=202, headers=NOT_KEPT)


@for_visitors("POST")
async def faults(request: ASGIRequest, visitor: str, run: str) -> HttpResponseBase:
    """Cause a fault: 201 with the event that tells the run's lines of it."""
    asked = fault_from(request.body)
    await limits.take_action(visitor, counted_address(request.scope))
    event = await log.aappend(topic_of(run), EVENT_TYPE, {"fault": asked.fault.name, "duration_s": asked.duration_s})
    return HttpResponse(event.json, status=201, content_type="application/json", headers=NOT_KEPT)


@for_visitors("POST")
async def stop(request: ASGIRequest, visitor: str, run: str) -> HttpResponseBase:
    """End a run's steady rate: 201 with the event that says so."""
    await limits.take_action(visitor, counted_address(request.scope))
    event = await log.aappend(topic_of(run), STOP_TYPE, {})
    return HttpResponse(event.json, status=201, content_type="application/json", headers=NOT_KEPT)


@for_visitors("GET")
async def clock(request: ASGIRequest, visitor: str) -> HttpResponseBase:
    """Tell the server's time, in milliseconds since 1970, so that a browser can compare its own."""
    return JsonResponse({"time_ms": time.time() * 1000}, headers=NOT_KEPT)


@for_visitors("GET")
async def figures(request: ASGIRequest, visitor: str, run: str) -> HttpResponseBase:
    """Tell what a run cost by the server's own account, and how all processes of the site are doing."""
    feed.current().start()
    processes = roll_call.current()
    processes.start()
    answers = processes.answers()
    await processes.ask()
    bounds = await queries.run(log.bounds, [run])
    return JsonResponse(
        {
            "head": bounds.heads[run],
            "doors": _summed(answer["lab"].get(run, {}) for answer in answers if "lab" in answer),
            "processes": len(answers),
            "threads": sum(answer["threads"] for answer in answers),
            "memory_bytes": sum(answer["memory_bytes"] for answer in answers),
            "processor_s": sum(answer["processor_s"] for answer in answers),
            "delivered": sum(answer["delivered"] for answer in answers),
            "connections": sum(sum(answer["connections"].values()) for answer in answers),
        },
        headers=NOT_KEPT,
    )


def _summed(of_processes: Iterable[dict[str, dict[str, int]]]) -> dict[str, Counter[str]]:
    total: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for doors in of_processes:
        for door, tally in doors.items():
            total[door].update(tally)
    return total


def _csrf_failure(request: ASGIRequest) -> HttpResponseBase | None:
    # The lean handler has no middleware; this is the check that every page of the site has.
    check = CsrfViewMiddleware(lambda request: HttpResponse())
    check.process_request(request)
    return check.process_view(request, lambda request: HttpResponse(), (), {})
