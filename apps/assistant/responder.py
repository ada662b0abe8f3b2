"""Question in, pieces out: the interface behind which answers are made, and the one in use.

The setting ASSISTANT_RESPONDER names a class (or a function) that is called once a process, without arguments, and
returns a Responder. docs/ASSISTANT.md shows how to write one.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cache
from typing import Protocol, runtime_checkable

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Text:
    """The next bit of the answer. Put together, an answer's texts are the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer comes from: a title and an address, absolute or within this site.

    `quoted` is False for a source that is only worth reading too.
    """

    title: str
    url: str
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class Sources:
    sources: tuple[Source, ...]


Piece = Text | Sources


@runtime_checkable
class Responder(Protocol):
    """Something that answers questions."""

    def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        """Answer a question, piece by piece, as soon as each is known.

        Written as an async generator: that is what can be closed. One instance serves every question of the process,
        so what belongs to a question stays in local variables.

        Args:
            question: 1 to 2,000 characters, no control characters but line breaks and tabs.
            language: one of settings.LANGUAGES, the language to answer in.

        Raises:
            Refusal: its code, message and hint are shown to the reader as the `error` frame.
            Exception: is logged, and the reader is told no more than that something went wrong.

        Cancellation: when the reader leaves, CancelledError is raised at the `await` in progress, or GeneratorExit at
        the `yield`; clean up in `finally` and let it pass.
        """
        ...


def current() -> Responder:
    """Return this process's responder.

    Raises:
        ImportError: ASSISTANT_RESPONDER names nothing that can be imported.
        TypeError: what it names has no `answer` method.
    """
    return _made(settings.ASSISTANT_RESPONDER)


@cache
def _made(path: str) -> Responder:
    responder = import_string(path)()
    if not isinstance(responder, Responder):
        raise TypeError(
            f"ASSISTANT_RESPONDER {path!r} made {responder!r}, which has no answer(question, language) method; "
            "see docs/ASSISTANT.md"
        )
    return responder
