"""Frame -> bytes, for the two ways of reading an answer. The JSON is the same in both."""

import json

from apps.assistant.answering import Frame

RETRY_MS = 2_000
_LAST = ("done", "error")


def json_line(frame: Frame) -> bytes:
    """Return a frame as a line of NDJSON."""
    return _json(frame) + b"\n"


def sse(frame: Frame) -> bytes:
    """Return a frame as a server-sent event, named after its type.

    Only the last frame has an `id:`. A browser that connects again because nobody closed its EventSource then says so
    in Last-Event-ID, and can be turned away; one that was cut off in the middle does not, and is answered anew.
    """
    name = frame["type"].encode()
    retry = b"retry: %d\n" % RETRY_MS if name == b"ready" else b""
    identity = b"id: %s\n" % name if frame["type"] in _LAST else b""
    return b"%s%sevent: %s\ndata: %s\n\n" % (retry, identity, name, _json(frame))


def _json(frame: Frame) -> bytes:
    # JSON escapes line breaks, so that a frame is one line. A lone surrogate of a careless responder becomes "?".
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
