"""An answer that types itself, by fetch stream and by SSE.

Light on purpose: no session, no user, no middleware is relied on, and no thread is held while an answer is written.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from apps.assistant import capacity
from apps.assistant.answering import Frame, error_frame, frames
from apps.assistant.framing import json_line, sse
from apps.assistant.question import question_from
from apps.assistant.refusal import Refusal

# docs/PROTOCOL.md: what keeps proxies from collecting a stream before they pass it on.
_STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
    "Content-Encoding": "identity",
}


# Exempt: a question changes nothing here and is answered alike for everybody, so a forged one gains nothing.
@csrf_exempt
async def answer(request: HttpRequest) -> HttpResponseBase:
    """Answer `q` as newline-delimited JSON. See docs/ASSISTANT.md#frames."""
    try:
        if request.method not in ("GET", "POST"):
            raise _wrong_method(request, "GET, POST")
        question = question_from(request)
        capacity.of_this_process.check(question.language)
    except Refusal as refusal:
        return _refused(refusal, allow="GET, POST")
    return _stream(frames(question), json_line, "application/x-ndjson", question.language)


@csrf_exempt
async def answer_by_sse(request: HttpRequest) -> HttpResponseBase:
    """Answer `q` as server-sent events. What is wrong with a question is a frame too.

    [spec] Any status but 200 fails an EventSource for good, and its script can't read the body: an error that a person
    is to read must be an event. WHATWG HTML #sse-processing-model.
    """
    if request.method != "GET":
        return _refused(_wrong_method(request, "GET"), allow="GET")
    if "Last-Event-ID" in request.headers:
        # Only the last frame has an id, so this browser has its answer and connects again by itself; 204 stops that.
        return HttpResponse(status=204)
    try:
        question = question_from(request)
    except Refusal as refusal:
        return _stream(_only(error_frame(refusal)), sse, "text/event-stream", refusal.language)
    return _stream(frames(question), sse, "text/event-stream", question.language)


def _stream(
    source: AsyncGenerator[Frame, None], encode: Callable[[Frame], bytes], content_type: str, language: str
) -> StreamingHttpResponse:
    async def encoded() -> AsyncGenerator[bytes, None]:
        async with aclosing(source):
            async for frame in source:
                yield encode(frame)

    headers = _STREAM_HEADERS | {"Content-Language": language}
    return StreamingHttpResponse(encoded(), content_type=content_type, headers=headers)


async def _only(frame: Frame) -> AsyncGenerator[Frame, None]:
    yield frame


def _refused(refusal: Refusal, allow: str) -> JsonResponse:
    response = JsonResponse(
        {"error": refusal.error},
        status=refusal.status,
        headers={"Content-Language": refusal.language},
        json_dumps_params={"ensure_ascii": False},
    )
    if refusal.status == 405:
        response["Allow"] = allow
    if refusal.status == 503:
        response["Retry-After"] = str(capacity.RETRY_AFTER_S)
    return response


def _wrong_method(request: HttpRequest, allow: str) -> Refusal:
    return Refusal(405, "method_not_allowed", f"{request.method} was sent; {allow} is understood.", "Use one of these.")
