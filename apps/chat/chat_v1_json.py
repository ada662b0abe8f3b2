"""The dialect with names, times and history: subprotocol `chat.v1.json`, see CHAT.md#chatv1json.

Events and control frames are those of the WebSocket door, byte for byte, so that one client reads both.
"""

import re
from typing import Any

from django.conf import settings

from apps.chat.chat_error import ChatError
from apps.chat.dialect import Line, Rename, Request, Typing
from apps.chat.room import (
    FRAME_CHARS,
    HISTORY_LINES,
    LINE_CHARS,
    NAME_CHARS,
    TYPING_S,
)
from apps.chat.wording import clean_line
from apps.events.batch import Reset
from apps.events.cursor import Cursor
from apps.events.logged_event import LoggedEvent, encode
from apps.transports.client_json import BadJson, read_json
from apps.transports.connections import Stop
from apps.transports.framing import JsonFraming, control_body, reset_frame
from apps.transports.refusal import Refusal
from apps.transports.stream import RETRY_MS

_LINE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_EXPECTED = 'send {"chat":"line","text":…}, {"chat":"name","name":…} or {"chat":"typing"}'


class ChatV1Json:
    """Speak `chat.v1.json` to the connection that lines of `sender` come from."""

    subprotocol = "chat.v1.json"
    history_lines = HISTORY_LINES
    hears_presence = True

    def __init__(self, sender: str) -> None:
        self._sender = sender

    def parse(self, text: str) -> Request | None:
        match _decode(text):
            case {"chat": "line", "text": str(line), **rest}:
                return _line(line, rest.get("id"))
            case {"chat": "name", "name": str(name)}:
                return Rename(name)
            case {"chat": "typing"}:
                return Typing()
            case {"chat": kind}:
                raise ChatError(
                    "bad_frame", f"a frame of the kind {_shown(kind)} has other members than these", _EXPECTED
                )
        raise ChatError("bad_frame", f'a frame without "chat" was sent: {_shown(text)}', _EXPECTED)

    def ready(self, cursor: Cursor, name: str) -> str:
        return control_body(
            "ready",
            cursor,
            heartbeat_s=settings.FEED_HEARTBEAT_S,
            retry_ms=RETRY_MS,
            sender=self._sender,
            name=name,
            limits={"line_chars": LINE_CHARS, "name_chars": NAME_CHARS, "typing_s": TYPING_S},
        )

    def event(self, event: LoggedEvent) -> str:
        return event.json.decode()

    def sent(self, line: Line, event: LoggedEvent) -> str | None:
        return None if line.id is None else encode({"chat": "sent", "id": line.id, "seq": event.seq})

    def presence(self, frame: dict[str, Any]) -> str:
        return encode(frame)

    def heartbeat(self, cursor: Cursor) -> str:
        return control_body("heartbeat", cursor)

    def reset(self, reset: Reset) -> str:
        return reset_frame(JsonFraming(), reset).decode()

    def error(self, error: ChatError) -> str:
        return encode(error.as_frame())

    def close(self, refusal: Refusal) -> str:
        # No cursor: nothing was read, the client's own place stays.
        why = {"reason": refusal.code, "message": refusal.message, "hint": refusal.hint}
        return encode({"control": "close", **why, "retry_ms": RETRY_MS})

    def goodbye(self, cursor: Cursor, stop: Stop) -> str:
        return control_body("close", cursor, **stop.fields)


def _decode(text: str) -> Any:
    if len(text) > FRAME_CHARS:
        raise ChatError(
            "too_long",
            f"the frame is {len(text)} characters long; a line of {LINE_CHARS} characters and its frame need less "
            f"than {FRAME_CHARS}",
            "it was not sent: send it in parts",
        )
    try:
        return read_json(text)
    except BadJson as error:
        raise ChatError("bad_frame", f"a frame that is no JSON was sent: {_shown(text)}", _EXPECTED) from error


def _line(text: str, line_id: Any) -> Line | None:
    if line_id is not None and not (isinstance(line_id, str) and _LINE_ID.fullmatch(line_id)):
        raise ChatError(
            "bad_frame",
            f"the line's id is {_shown(line_id)}; expected 8 to 64 of A-Z, a-z, 0-9, '_' and '-', or none",
            "give each line a new random id, and the same one when you send it again",
        )
    try:
        line = clean_line(text)
    except ChatError as error:
        error.line_id = line_id
        raise
    return Line(line, line_id) if line else None


def _shown(value: Any) -> str:
    # What arrived may hold half a surrogate pair, which could not be sent back.
    text = repr(value).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:60]}…"
