"""Lines and names on their way to other people's screens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.chat.room import NAME_CHARS
from apps.chat.wording import clean_line, clean_name


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("  hello  ", "hello"),
        ("a\nb\r\n\r\nc\u2028d\u0085e\vf", "a b c d e f"),
        ("\x1b[31mred\x1b[0m\x9b1m\x07", "[31mred[0m1m"),
        ("a\tb", "a\tb"),
        ("abc\u202edcba\u202c \u2066x\u2069", "abcdcba x"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
    ],
)
def test_a_line_keeps_its_words_and_loses_what_steers_a_screen(written, shown):
    assert clean_line(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("  Ana   Maria ", "Ana Maria"),
        ("Ana\nYou", "Ana You"),
        ("x" * 50, "x" * NAME_CHARS),
        ("e\u0301", "é"),
        ("\u202eanA", "anA"),
        ("\u200b\u2060", ""),
        ("\u0301\u0302", ""),
        ("", ""),
        ("小明", "小明"),
    ],
)
def test_a_name_fits_in_one_short_line_and_can_be_seen(written, shown):
    assert clean_name(written) == shown


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_whatever_is_written_a_second_cleaning_changes_nothing(text):
    line, name = clean_line(text), clean_name(text)
    assert clean_line(line) == line
    assert clean_name(name) == name
    assert len(line.splitlines()) <= 1
    assert len(name) <= NAME_CHARS
