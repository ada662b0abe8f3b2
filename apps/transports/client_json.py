"""JSON that clients send, read within limits: what got in can be kept, sent on and read again everywhere.

How many bytes may come is the caller's affair, who knows what they are for.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

# Python, and most readers behind us, take a frame of their stack for each level; nobody's data is this deep.
MAX_DEPTH = 64
# The longest that a double needs is 24. An integer of thousands of digits costs quadratic time, and browsers read it
# as Infinity.
MAX_NUMBER_CHARS = 40


class BadJson(ValueError):
    """A text that is no JSON, or JSON beyond the limits; the message says which, and quotes at most 60 characters."""


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text (RFC 8259; bytes are UTF-8).

    Raises:
        BadJson: it is no JSON (neither are NaN and Infinity, which Python would take); an object names a member twice;
            it is nested more than MAX_DEPTH deep; a number has more than MAX_NUMBER_CHARS characters, or is beyond
            what a double holds.
    """
    try:
        value = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_repeats,
        )
    except RecursionError:
        raise BadJson(_TOO_DEEP) from None
    except BadJson:
        raise
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError
        raise BadJson(str(error)[:200]) from None
    if _is_deeper(value, MAX_DEPTH):
        raise BadJson(_TOO_DEEP)
    return value


_TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep"


def _is_deeper(value: Any, most: int) -> bool:
    # Level by level: a recursion would meet the very limit that it is to keep others from.
    level = [value]
    for _ in range(most):
        level = [member for container in level for member in _members(container)]
        if not level:
            return False
    return any(isinstance(member, dict | list) for member in level)


def _members(value: Any) -> Sequence[Any]:
    match value:
        case dict():
            return tuple(value.values())
        case list():
            return value
    return ()


def _whole_number(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _number(digits: str) -> float:
    _check_length(digits)
    if math.isinf(number := float(digits)):
        raise BadJson(f"the number {digits} is larger than a double can be")
    return number


def _check_length(digits: str) -> None:
    if len(digits) > MAX_NUMBER_CHARS:
        raise BadJson(
            f"the number {digits[:20]}… has {len(digits)} characters; at most {MAX_NUMBER_CHARS} are read: "
            "send more as text"
        )


def _refuse_constant(name: str) -> Any:
    raise BadJson(f"{name} is no JSON number")


def _without_repeats(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Of {"data": 1, "data": 2} Python would keep the second without a word, and another reader the first.
    names = dict(members)
    if len(names) < len(members):
        raise BadJson("an object names one of its members twice")
    return names
