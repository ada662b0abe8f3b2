"""Question in, sections that fit out, best first.

The index is SQLite's FTS5 in memory: BM25 with a weight for each column and Porter stemming, in the standard library.
(bm25s would do as well, and bring numpy along for some twenty short texts.)
"""

import sqlite3
from collections.abc import Container, Iterable, Sequence
from threading import Lock

from apps.assistant import terms
from apps.assistant.guide import Section

# Longer questions are cut here: FTS5 refuses an expression of more than 256 terms.
MAX_TERMS = 64

_SCHEMA = """CREATE VIRTUAL TABLE section USING fts5(title, keywords, phrases, body, tokenize = 'porter unicode61')"""
# FTS5 gives better rows a lower score. A word in a title or among the keywords says what a section is about.
_SEARCH = "SELECT rowid FROM section WHERE section MATCH ? ORDER BY bm25(section, 5, 6, 4, 1), rowid"


class SectionIndex:
    """The searchable form of a guide's sections. Safe to share between threads; a search takes about a millisecond."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = tuple(sections)
        self._lock = Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(_SCHEMA)
        self._database.executemany(
            "INSERT INTO section (rowid, title, keywords, phrases, body) VALUES (?, ?, ?, ?, ?)",
            (
                (rowid, *(" ".join(terms.indexed(text)) for text in (s.title, s.keywords, s.phrases, s.text)))
                for rowid, s in enumerate(self._sections)
            ),
        )

    def search(self, question: str, limit: int = 3) -> list[Section]:
        """Return the sections that fit a question, best first.

        A section fits when one of its keywords is in the question, or more than half of what the question asks about
        is in the section. BM25 alone always finds *something*, and cannot tell "nothing here" from "little here".

        Args:
            question: any text; about the first 64 distinct terms count.
            limit: the most sections to return, at least 1.
        """
        parts = terms.asked(question, MAX_TERMS)
        if not parts:
            return []
        asked = dict.fromkeys(term for part in parts for term in part.terms)
        with self._lock:
            named = {rowid for term in asked for rowid in self._rows(f'keywords : "{term}"')}
            headed = self._held(asked, "{title keywords} : ")
            held = self._held(asked, "")
            ranked = self._rows(" OR ".join(f'"{term}"' for term in asked))
        whole = sum(part.size for part in parts)
        fitting = [rowid for rowid in ranked if rowid in named or 2 * _covered(parts, held[rowid]) > whole]
        # A stable sort: BM25 decides between headings that answer to as much of the question.
        fitting.sort(key=lambda rowid: -_covered(parts, headed[rowid]))
        return [self._sections[rowid] for rowid in fitting[:limit]]

    def _held(self, asked: Iterable[str], columns: str) -> dict[int, set[str]]:
        """Return, for each section, which of the terms its columns hold."""
        held: dict[int, set[str]] = {rowid: set() for rowid in range(len(self._sections))}
        for term in asked:
            for rowid in self._rows(f'{columns}"{term}"'):
                held[rowid].add(term)
        return held

    def _rows(self, expression: str) -> list[int]:
        return [rowid for (rowid,) in self._database.execute(_SEARCH, (expression,))]


def _covered(parts: Iterable[terms.Part], held: Container[str]) -> int:
    return sum(part.covered(held) for part in parts)
