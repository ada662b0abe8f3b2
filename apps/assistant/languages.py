"""Which language to answer in, without LocaleMiddleware, which these views do without."""

import re

from django.http import HttpRequest
from django.utils.translation import get_language_from_request, get_supported_language_variant

from apps.assistant.terms import ENGLISH_STOP_WORDS, HAN

_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile("[\u3040-\u30ff]")
_WORD = re.compile("[a-z']+")


def language_of_reader(request: HttpRequest, asked: str | None = None) -> str:
    """Return the reader's language: `asked` if given, else the site's language cookie, else Accept-Language.

    Raises:
        LookupError: the site doesn't speak `asked`, nor a variant of it.
    """
    if asked:
        return get_supported_language_variant(asked.replace("_", "-").lower())
    return get_language_from_request(request)


def language_of_question(question: str, otherwise: str) -> str:
    """Return the language a question is written in, or `otherwise` where the question doesn't show it.

    Chinese characters show it, and so does an English function word: "what is SSE" is English on a Chinese page too,
    while "SSE" is whatever the page is.
    """
    if _HAN.search(question) and not _KANA.search(question):
        return "zh-hans"
    if ENGLISH_STOP_WORDS.intersection(_WORD.findall(question.lower())):
        return "en"
    return otherwise
