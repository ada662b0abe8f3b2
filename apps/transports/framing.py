"""From events to what goes over the wire. Pure; an event's JSON is encoded once for all clients and framings.

See PROTOCOL.md#frames.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from apps.events.batch import Batch, Reset, advanced
from apps.events.cursor import Cursor
from apps.events.logged_event import LoggedEvent, encode


def batch_body(batch: Batch) -> bytes:
    """Return a batch as the body of a poll's answer."""
    reset = None if batch.reset is None else _reset_fields(batch.reset)
    rest = encode({"cursor": batch.cursor.text, "reset": reset, "more": batch.more})
    return b'{"events":[' + b",".join(event.json for event in batch.events) + b"]," + rest[1:].encode()


def control_body(control: str, cursor: Cursor, **fields: Any) -> str:
    """Return a control frame's JSON."""
    return encode({"control": control, "cursor": cursor.text, **fields})


class Framing(Protocol):
    """How a stream writes its frames."""

    content_type: str

    def events(self, events: Sequence[LoggedEvent], before: Cursor) -> list[bytes]:
        """Return one frame per event; `before` is the stream's cursor before the first of them."""

    def control(self, control: str, cursor: Cursor, **fields: Any) -> bytes:
        """Return a control frame."""


class JsonFraming:
    """One JSON text a frame: WebSocket messages."""

    content_type = "application/json"

    def events(self, events: Sequence[LoggedEvent], before: Cursor) -> list[bytes]:
        return [event.json for event in events]

    def control(self, control: str, cursor: Cursor, **fields: Any) -> bytes:
        return control_body(control, cursor, **fields).encode()


class NdjsonFraming:
    """One JSON text a line."""

    content_type = "application/x-ndjson"

    def events(self, events: Sequence[LoggedEvent], before: Cursor) -> list[bytes]:
        return [event.json + b"\n" for event in events]

    def control(self, control: str, cursor: Cursor, **fields: Any) -> bytes:
        return control_body(control, cursor, **fields).encode() + b"\n"


class SseFraming:
    """Server-sent events, WHATWG HTML section 9.2.

    An event has no `event:` field, so that `onmessage` sees it. Controls have one, and an `id:` too: a native
    EventSource that is cut before its first event would otherwise come back without a place, at `now`.
    """

    content_type = "text/event-stream"

    def events(self, events: Sequence[LoggedEvent], before: Cursor) -> list[bytes]:
        frames = []
        cursor = before
        for event in events:
            cursor = advanced(cursor, (event,))
            frames.append(b"id: %b\ndata: %b\n\n" % (cursor.text.encode(), event.json))
        return frames

    def control(self, control: str, cursor: Cursor, **fields: Any) -> bytes:
        retry = f"retry: {fields['retry_ms']}\n" if "retry_ms" in fields else ""
        body = control_body(control, cursor, **fields)
        return f"event: {control}\nid: {cursor.text}\n{retry}data: {body}\n\n".encode()


def _reset_fields(reset: Reset) -> dict[str, Any]:
    return {"reason": reset.reason, "topics": list(reset.topics), "cursor": reset.cursor.text}


def reset_frame(framing: Framing, reset: Reset) -> bytes:
    """Return the control frame that tells a reset."""
    return framing.control("reset", reset.cursor, reason=reset.reason, topics=list(reset.topics))


def refusal_body(retry_after_s: int, code: str, message: str) -> str:
    """Return the JSON of the `close` frame that stands in place of `ready` where a door refuses for now.

    It has no cursor: the client's own place stays.
    """
    return encode({"control": "close", "reason": code, "message": message, "retry_ms": retry_after_s * 1000})


def sse_refusal(retry_after_s: int, code: str, message: str) -> bytes:
    """Return the whole body of an SSE answer that refuses for now.

    [spec] Any status but 200 fails an EventSource for good (WHATWG HTML section 9.2.3), so what passes is told inside
    a 200. It has no id: EventSource would come back with that.
    """
    body = refusal_body(retry_after_s, code, message)
    return f"event: close\nretry: {retry_after_s * 1000}\ndata: {body}\n\n".encode()
