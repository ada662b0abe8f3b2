"""Answers from the project's own guide: finds the section that fits, and quotes it with its source.

Nothing is generated. The answer says that it is a quotation, and where nothing fits it says so.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import cache

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from apps.assistant import guide
from apps.assistant.pieces import pieces
from apps.assistant.responder import Piece, Source, Sources, Text
from apps.assistant.retrieval import SectionIndex


class GuideResponder:
    """Quotes the guide, at the pace of ASSISTANT_PIECE_DELAY_S seconds a word."""

    def __init__(self) -> None:
        # Built now rather than at the first question, so that a Python without FTS5 fails the system check.
        for language, _name in settings.LANGUAGES:
            _index(language)

    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        text, sources = compose(question, language)
        for piece in pieces(text):
            yield Text(piece)
            await asyncio.sleep(settings.ASSISTANT_PIECE_DELAY_S)
        yield Sources(sources)


def compose(question: str, language: str) -> tuple[str, tuple[Source, ...]]:
    """Return the whole answer to a question, and its sources: the quoted section first, then those to read too.

    When nothing fits, the answer lists what the guide covers, and the one source is the guide itself, not quoted.
    """
    fitting = _index(language).search(question)
    with translation.override(language):
        if not fitting:
            whole = guide.guide(language)
            opening = _(
                "The guide on this site says nothing about that, and it is all I can quote from. You can ask me about:"
            )
            text = "\n".join([opening + "\n", *(f"• {section.title}" for section in whole.sections)])
            return text, (Source(whole.title, guide.GUIDE_PATH, quoted=False),)
        best, *others = fitting
        opening = _("I quote from this site's guide; no language model is at work. From “%(title)s”:") % {
            "title": best.title
        }
    return f"{opening}\n\n{best.text}", (
        Source(best.title, best.url),
        *(Source(section.title, section.url, quoted=False) for section in others),
    )


@cache
def _index(language: str) -> SectionIndex:
    return SectionIndex(guide.sections(language))
