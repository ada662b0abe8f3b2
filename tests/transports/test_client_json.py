"""JSON from clients: what is read, and where reading ends."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.transports.client_json import MAX_DEPTH, MAX_NUMBER_CHARS, BadJson, read_json

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@given(JSON_VALUES)
def test_what_an_ordinary_client_sends_is_read_as_it_is(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value).encode()) == value


def test_a_value_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    read_json(nested(MAX_DEPTH))
    read_json('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)
    for text in (nested(MAX_DEPTH + 1), '{"a":' * MAX_DEPTH + "[]" + "}" * MAX_DEPTH, nested(900), nested(100_000)):
        with pytest.raises(BadJson, match=f"nested more than {MAX_DEPTH} deep"):
            read_json(text)


def test_brackets_within_a_text_are_no_depth() -> None:
    assert read_json('["' + "[" * 5_000 + '"]') == ["[" * 5_000]


def test_a_number_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert read_json("9" * MAX_NUMBER_CHARS) == int("9" * MAX_NUMBER_CHARS)
    for text in ("9" * (MAX_NUMBER_CHARS + 1), "9" * 5_000, "0." + "1" * 5_000, "-" + "1" * 4_000 + "e1"):
        with pytest.raises(BadJson, match="send more as text"):
            read_json(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1e400", "larger than a double"),
        ("-1e400", "larger than a double"),
        ("NaN", "no JSON number"),
        ('{"data":-Infinity}', "no JSON number"),
        ('{"a":{"b":1,"b":2}}', "twice"),
        (b'"\xff"', "utf-8"),
        ("", "Expecting value"),
        ("[" * 50, "Expecting value"),
        ('"\x00"', "control character"),
    ],
)
def test_what_other_readers_could_not_read_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(BadJson, match=why):
        read_json(text)


def test_a_message_stays_short_whatever_came() -> None:
    for text in ('{"' + "x" * 10_000, "1e" + "9" * 38, b"\xff" * 10_000, "[1" * 10_000):
        with pytest.raises(BadJson) as refused:
            read_json(text)
        assert len(str(refused.value)) < 200
