"""Text -> search terms: words as they are, Chinese as pairs of neighbouring characters.

Chinese is written without spaces. Pairs of characters need no dictionary and find what word segmentation finds in
texts of this size; jieba would add a dictionary of 19 MB. Stop words, which say nothing about a subject, are in
stop_words/.
"""

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_RUN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<word>(?:(?![{HAN}])[^\W_])+)")
_APOSTROPHE = re.compile("['’]")  # so that "doesn't" is one word, as in the stop words

_FOLDER = Path(__file__).parent / "stop_words"
ENGLISH_STOP_WORDS = frozenset((_FOLDER / "en.txt").read_text(encoding="utf-8").split())
# Longest first, so that 为什么 goes before 什么.
_CHINESE_STOP_WORDS = re.compile(
    "|".join(sorted((_FOLDER / "zh-hans.txt").read_text(encoding="utf-8").split(), key=len, reverse=True))
)


def indexed(text: str) -> list[str]:
    """Return every term of a text that is to be searched, in order, with repetitions.

    A run of Chinese gives its pairs and its single characters; a question uses a single one only where it stands alone.
    """
    terms: list[str] = []
    for run, is_han in _runs(text):
        terms += [*_pairs(run), *run] if is_han else [run]
    return terms


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a question that says what it is about: a word, or Chinese between two stop words.

    `size` weighs parts against each other: a Chinese character is 1, a word 2, as most Chinese words have two.
    """

    terms: tuple[str, ...]
    size: int

    def covered(self, known: Container[str]) -> int:
        """Return how much of the part's size is found in `known` terms.

        A pair that straddles two words (量用 in 大量用户) is found nowhere, yet both its characters may be covered by
        their own words; so characters count, not pairs.
        """
        if len(self.terms) == 1:
            return self.size if self.terms[0] in known else 0
        return len({place for start, pair in enumerate(self.terms) if pair in known for place in (start, start + 1)})


def asked(question: str, limit: int) -> list[Part]:
    """Return what a question is about, in order and each part once, with at most `limit` terms together.

    Stop words are left out, as are single letters and digits. They also end a run of Chinese, or 缓冲的代理 would ask
    for 冲的 and 的代.
    """
    parts: dict[Part, None] = {}
    for run, is_han in _runs(question):
        if is_han:
            for text in filter(None, _CHINESE_STOP_WORDS.split(run)):
                text = text[:limit]
                parts[Part(tuple(_pairs(text)) or (text,), len(text))] = None
        elif len(run) > 1 and run not in ENGLISH_STOP_WORDS:
            parts[Part((run,), 2)] = None
    kept: list[Part] = []
    for part in parts:
        limit -= len(part.terms)
        if limit < 0:
            break
        kept.append(part)
    return kept


def _runs(text: str) -> list[tuple[str, bool]]:
    plain = _APOSTROPHE.sub("", unicodedata.normalize("NFKC", text).casefold())
    return [(match.group(), match.lastgroup == "han") for match in _RUN.finditer(plain)]


def _pairs(run: str) -> list[str]:
    return [run[index : index + 2] for index in range(len(run) - 1)]
