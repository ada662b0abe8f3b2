"""Text -> the pieces in which it is typed: a word with the space after it, or two Chinese or Japanese characters."""

import re
from collections.abc import Iterator

from apps.assistant.terms import HAN

_WIDE = rf"{HAN}\u3000-\u30ff\uff00-\uffef"
# Every character is wide, a space, or neither, so the three alternatives leave nothing out.
_PIECE = re.compile(rf"[{_WIDE}]{{1,2}}\s*|(?:(?![{_WIDE}])\S)+\s*|\s+")


def pieces(text: str) -> Iterator[str]:
    """Cut a text into non-empty pieces which, put together, are the text."""
    return (match.group() for match in _PIECE.finditer(text))
