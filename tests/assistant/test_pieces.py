import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.assistant.pieces import pieces


@given(st.text() | st.text(alphabet="a é 中文「，。\n\t\u3000🙂\u0301\ufe0f"))
def test_pieces_put_together_are_the_text(text):
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert "" not in cut


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("", []),
        ("Ask who\nhas to talk.", ["Ask ", "who\n", "has ", "to ", "talk."]),
        ("先看问题，再看技术。", ["先看", "问题", "，再", "看技", "术。"]),
        ("用 SSE 推送", ["用 ", "SSE ", "推送"]),
        ("  two spaces first", ["  ", "two ", "spaces ", "first"]),
    ],
)
def test_a_piece_is_a_word_with_its_space_or_two_chinese_characters(text, cut):
    assert list(pieces(text)) == cut
