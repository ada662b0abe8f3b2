"""How a connection talks: what its frames mean, and how the chat's own words become frames."""

from dataclasses import dataclass
from typing import Any, Protocol

from apps.chat.chat_error import ChatError
from apps.events.batch import Reset
from apps.events.cursor import Cursor
from apps.events.logged_event import LoggedEvent
from apps.transports.connections import Stop
from apps.transports.refusal import Refusal


@dataclass(frozen=True)
class Line:
    """Somebody wants to say `text`; `id` is the sender's own name for the line, so that it can be sent again."""

    text: str
    id: str | None = None


@dataclass(frozen=True)
class Rename:
    """Somebody wants another name."""

    name: str


@dataclass(frozen=True)
class Typing:
    """Somebody is at the keyboard."""


Request = Line | Rename | Typing


class Dialect(Protocol):
    """A way to talk, chosen by the WebSocket's subprotocol. Each method returns a text frame, or None: say nothing.

    One instance serves one connection and knows who that is.
    """

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that chooses it."""

    @property
    def history_lines(self) -> int:
        """How many lines a newcomer without a cursor gets."""

    @property
    def hears_presence(self) -> bool:
        """Whether the connection is told who comes, goes and types."""

    def parse(self, text: str) -> Request | None:
        """Return what a frame asks for; None for one that asks for nothing.

        Raises:
            ChatError: it can't be understood.
        """

    def ready(self, cursor: Cursor, name: str) -> str:
        """Say that all after `cursor` will follow: the first frame."""

    def event(self, event: LoggedEvent) -> str | None:
        """Say an event of the room's topic."""

    def sent(self, line: Line, event: LoggedEvent) -> str | None:
        """Say that the sender's own `line` is in the log."""

    def presence(self, frame: dict[str, Any]) -> str | None:
        """Say who came, went, types or is here (CHAT.md#presence)."""

    def heartbeat(self, cursor: Cursor) -> str | None:
        """Say that nothing happened."""

    def reset(self, reset: Reset) -> str | None:
        """Say that the log can't go on from where the reader was."""

    def error(self, error: ChatError) -> str:
        """Say what was wrong with the sender's frame."""

    def close(self, refusal: Refusal) -> str:
        """Say why the connection ends: the last frame."""

    def goodbye(self, cursor: Cursor, stop: Stop) -> str | None:
        """Say that the connection ends as all do some time, and when to come back."""
