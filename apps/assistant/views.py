"""An answer that types itself, by fetch stream and by SSE.

Light on purpose: no session, no user, no middleware is relied on, and no thread is held while an answer is written.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from apps.assistant import capacity
from apps.assistant.answering import Frame, error_frame, frames
from apps.assistant.framing import json_line, sse
from apps.assistant.question import question_from
from apps.transports.http_door import STREAM_HEADERS
from apps.transports.refusal import Refusal, refused


# Exempt: a question changes nothing here and is answered alike for everybody, so a forged one gains nothing.
@csrf_exempt
async def answer(request: HttpRequest) -> HttpResponseBase:
    """Answer `q` as newline-delimited JSON. See docs/ASSISTANT.md#frames."""
    if request.method not in ("GET", "POST"):
        return _wrong_method(request, "GET, POST")
    try:
        question = question_from(request)
        capacity.of_this_process.check(question.language)
    except Refusal as refusal:
        return refused(refusal)
    return _stream(frames(question), json_line, "application/x-ndjson", question.language)


@csrf_exempt
async def answer_by_sse(request: HttpRequest) -> HttpResponseBase:
    """Answer `q` as server-sent events. What is wrong with a question is a frame too.

    [spec] Any status but 200 fails an EventSource for good, and its script can't read the body: an error that a person
    is to read must be an event. WHATWG HTML #sse-processing-model.
    """
    if request.method != "GET":
        return _wrong_method(request, "GET")
    if "Last-Event-ID" in request.headers:
        # Only the last frame has an id, so this browser has its answer and connects again by itself; 204 stops that.
        return HttpResponse(status=204)
    try:
        question = question_from(request)
    except Refusal as refusal:
        return _stream(_only(error_frame(refusal)), sse, "text/event-stream")
    return _stream(frames(question), sse, "text/event-stream", question.language)


def _stream(
    source: AsyncGenerator[Frame, None],
    encode: Callable[[Frame], bytes],
    content_type: str,
    language: str | None = None,
) -> StreamingHttpResponse:
    async def encoded() -> AsyncGenerator[bytes, None]:
        async with aclosing(source):
            async for frame in source:
                yield encode(frame)

    headers = STREAM_HEADERS | ({"Content-Language": language} if language else {})
    return StreamingHttpResponse(encoded(), content_type=content_type, headers=headers)


async def _only(frame: Frame) -> AsyncGenerator[Frame, None]:
    yield frame


def _wrong_method(request: HttpRequest, allow: str) -> HttpResponse:
    message = f"{request.method} was sent; {allow} is understood."
    response = refused(Refusal(405, "method_not_allowed", message, "Use one of the methods in Allow."))
    response["Allow"] = allow
    return response
