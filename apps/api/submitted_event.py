"""From the body of a POST to the event that it asks for."""

import re
from dataclasses import dataclass
from typing import Any

from apps.transports.client_json import BadJson, read_json
from apps.transports.refusal import bad_request

# An event's 16 KiB as a cautious encoder writes them: `\uXXXX` for every character of two bytes or three.
MAX_BODY_BYTES = 128 * 1024
# Narrower than what the log takes (anything printable): a name that can be compared, grepped and put into a URL.
EVENT_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_MEMBERS = {"type", "data", "key"}
_SHAPE = 'send {"type": "deploy.finished", "data": {…}}, and with a "key" it is safe to send again'


@dataclass(frozen=True)
class SubmittedEvent:
    """An event as a client asked for it; the log still has to take it.

    Args:
        type: see EVENT_TYPE.
        data: any JSON value but null, which is how the data of a recalled event reads.
        key: the client's own name for the event, or None.
    """

    type: str
    data: Any
    key: str | None


def parse(body: bytes) -> SubmittedEvent:
    """Read the event out of a request's body. See PUBLISHING.md#over-http.

    Raises:
        Refusal: 400, the body is no JSON, or not the object that is expected.
    """
    try:
        submitted = read_json(body)
    except BadJson as error:
        raise bad_request("bad_json", f"the body can't be read as JSON: {error}", _SHAPE) from None
    if not isinstance(submitted, dict):
        raise bad_request("bad_event", f"the body is {_kind(submitted)}; expected an object", _SHAPE)
    if unknown := sorted(submitted.keys() - _MEMBERS):
        raise bad_request("bad_event", f"the body has the member {unknown[0][:60]!r}, which means nothing here", _SHAPE)
    type, data, key = submitted.get("type"), submitted.get("data"), submitted.get("key")
    if not isinstance(type, str) or not EVENT_TYPE.fullmatch(type):
        arrived = repr(type[:80]) if isinstance(type, str) else _kind(type)
        raise bad_request(
            "bad_type",
            f"'type' is {arrived}; expected 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter",
            _SHAPE,
        )
    if data is None:
        raise bad_request("bad_data", "'data' is missing or null; expected any other JSON value", "send {} for nothing")
    if key is not None and not isinstance(key, str):
        raise bad_request("bad_key", f"'key' is {_kind(key)}; expected text of 1 to 200 characters, or none", _SHAPE)
    return SubmittedEvent(type, data, key)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "missing or null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
