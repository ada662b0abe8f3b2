"""A reader's bookmark: `k3f9~chat.lobby:7,notifications:41`.

A cursor is an exclusive lower bound: after it means seq 8 of `chat.lobby` and seq 42 of `notifications`. The epoch
says of which history it speaks: after a restored backup the same numbers name other events, and an offset alone
would skip or repeat them without a word.
"""

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from apps.events.topic_names import TOPIC_NAME

MAX_TOPICS = 20
MAX_SEQ = 2**53 - 1  # the largest integer a browser reads from JSON without rounding
# epoch, "~", and at most 20 of: a name of 99, ":", 16 digits, ","
_MAX_CURSOR_LENGTH = 32 + 1 + MAX_TOPICS * (99 + 1 + 16 + 1)
_EPOCH = re.compile(r"[a-z0-9]{1,32}")
_POSITION = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


class CursorError(ValueError):
    """A text that is no cursor. The message says what arrived; `hint` says what to do."""

    hint = "pass back the cursor of your last batch or frame unchanged, or 'start', or 'now'"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after which a reader goes on.

    Args:
        epoch: the log's history that the positions belong to.
        positions: topic -> seq of the last event already read (0 or more).
    """

    epoch: str
    positions: Mapping[str, int]
    text: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        positions = ",".join(f"{topic}:{seq}" for topic, seq in sorted(self.positions.items()))
        object.__setattr__(self, "text", f"{self.epoch}~{positions}")

    def __str__(self) -> str:
        return self.text

    def only(self, topics: Iterable[str]) -> "Cursor":
        """Return this cursor without the topics that are not among `topics`."""
        return Cursor(self.epoch, {t: self.positions[t] for t in topics if t in self.positions})


class Place(enum.Enum):
    """A starting place that has a name instead of numbers."""

    START = "start"  # before the oldest kept event
    NOW = "now"  # at the head


START, NOW = Place.START, Place.NOW


@dataclass(frozen=True, slots=True)
class Last:
    """A starting place `count` events (0 or more) before the head of each topic."""

    count: int


StartingPlace = Cursor | Place | Last


def parse(text: str) -> Cursor | Place:
    """Read a cursor's text.

    Args:
        text: `start`, `now`, or `<epoch>~<topic>:<seq>[,<topic>:<seq>…]` with at most 20 topics, each once.

    Returns:
        START, NOW, or the Cursor.

    Raises:
        CursorError: it is none of these.
    """
    if text in ("start", "now"):
        return Place(text)
    shown = text[:60] + ("…" if len(text) > 60 else "")
    if len(text) > _MAX_CURSOR_LENGTH:
        raise CursorError(f"cursor {shown!r} is {len(text)} characters long; no cursor is")
    epoch, tilde, rest = text.partition("~")
    if not tilde or not _EPOCH.fullmatch(epoch):
        raise CursorError(f"cursor {shown!r} is not 'start', 'now' or '<epoch>~<topic>:<seq>,…'")
    positions: dict[str, int] = {}
    for part in rest.split(",") if rest else ():
        topic, _, seq = part.rpartition(":")
        if not TOPIC_NAME.fullmatch(topic) or not _POSITION.fullmatch(seq) or int(seq) > MAX_SEQ:
            raise CursorError(f"cursor {shown!r} has {part[:60]!r} where '<topic>:<seq>' was expected")
        if topic in positions:
            raise CursorError(f"cursor {shown!r} names the topic {topic!r} twice")
        positions[topic] = int(seq)
    if len(positions) > MAX_TOPICS:
        raise CursorError(f"cursor {shown!r} has {len(positions)} topics; at most {MAX_TOPICS} fit")
    return Cursor(epoch, positions)
