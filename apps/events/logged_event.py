"""An event as it was read from the log."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

BLANK = "null"  # the data of an event whose subject was recalled


def encode(value: Any) -> str:
    """Return `value` as compact JSON, text outside ASCII as it is.

    Raises:
        ValueError: a number is NaN or infinite, which JSON can't say.
        TypeError: a value has no JSON form.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def wire_time(time: datetime) -> str:
    """Return `time` as ISO 8601 in UTC with milliseconds: `2026-11-22T08:00:00.000Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class LoggedEvent:
    """One event of the log.

    Args:
        data_json: the event's data as JSON text; `null` once it was blanked.
        repeated: the append that returned this event found its key in the log, and wrote nothing.
    """

    topic: str
    seq: int
    type: str
    time: datetime
    data_json: str
    subject: str = field(default="", repr=False)
    blanks_earlier: bool = field(default=False, repr=False)
    repeated: bool = field(default=False, repr=False, compare=False)

    @cached_property
    def json(self) -> bytes:
        """The event on the wire, encoded once however many clients get it. See PROTOCOL.md#event."""
        head = encode({"topic": self.topic, "seq": self.seq, "type": self.type, "time": wire_time(self.time)})
        return f'{head[:-1]},"data":{self.data_json}}}'.encode()

    @property
    def data(self) -> Any:
        """The data, decoded."""
        return json.loads(self.data_json)

    def blanked(self) -> "LoggedEvent":
        """Return this event without its data."""
        return replace(self, data_json=BLANK)
