"""The plain dialect, for terminals and for the simplest page there is: a frame is a line."""

from typing import Any

from apps.chat.chat_error import ChatError
from apps.chat.dialect import Line
from apps.chat.room import LINE
from apps.chat.wording import clean_line
from apps.events.batch import Reset
from apps.events.cursor import Cursor
from apps.events.logged_event import LoggedEvent
from apps.transports.connections import Stop
from apps.transports.refusal import Refusal


class PlainText:
    """Speak as CHAT.md#plain-text says, to the connection that lines of `sender` come from."""

    subprotocol = None
    history_lines = 0
    hears_presence = False

    def __init__(self, sender: str) -> None:
        self._sender = sender

    def parse(self, text: str) -> Line | None:
        line = clean_line(text)
        return Line(line) if line else None

    def ready(self, cursor: Cursor, name: str) -> str:
        return "Welcome to the WebSocket server!"

    def event(self, event: LoggedEvent) -> str | None:
        # Staff may append anything to the topic through the publish API, and a line may have been taken back.
        match event.type, event.data:
            case str(kind), {"sender": str(sender), "text": str(text)} if kind == LINE:
                return f"You said: {text}" if sender == self._sender else f"Other client said: {text}"
        return None

    def sent(self, line: Line, event: LoggedEvent) -> None:
        return None  # "You said: …" comes with the event itself, at its place among the others

    def presence(self, frame: dict[str, Any]) -> None:
        return None

    def heartbeat(self, cursor: Cursor) -> None:
        return None

    def reset(self, reset: Reset) -> None:
        return None

    def error(self, error: ChatError) -> str:
        return _spoken(error)

    def close(self, refusal: Refusal) -> str:
        return _spoken(refusal)

    def goodbye(self, cursor: Cursor, stop: Stop) -> None:
        return None  # a page that reconnects by itself shows no more than the gap


def _spoken(error: ChatError | Refusal) -> str:
    return f"Error: {error.message}. {error.hint[:1].upper()}{error.hint[1:]}."
