"""What the pages' scripts and tables say exists in Chinese too."""

import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils import translation

from apps.bell.texts import BELL_TEXTS
from apps.demos import comparison, explained, page_texts

CATALOGUE = Path("locale/zh_Hans/LC_MESSAGES")
# The same in both languages.
NAMES = {"SSE", "WebSocket"}


def texts() -> Iterator[Any]:
    for transport in explained.TRANSPORTS:
        yield from (transport.title, transport.motto, transport.waiting)
        yield from (*transport.advantages, *transport.drawbacks, *transport.uses)
    for row in (*comparison.ALL_FIVE, *comparison.SSE_OR_WEBSOCKET):
        yield from (row.title, *row.cells)
    for error in comparison.OFTEN_SAID:
        yield from (error.said, error.true)
    for group in (
        page_texts.LIVE_TEXTS,
        page_texts.CHAT_TEXTS,
        page_texts.TYPEWRITER_TEXTS,
        page_texts.ARTICLE_TEXTS,
        BELL_TEXTS,
    ):
        yield from group.values()


def places(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


def test_every_text_has_a_translation_with_the_same_places_for_values() -> None:
    for text in texts():
        with translation.override("en"):
            english = str(text)
        with translation.override("zh-hans"):
            chinese = str(text)
        assert english in NAMES or re.search("[\u4e00-\u9fff]", chinese), english
        assert places(english) == places(chinese), english


def test_no_entry_of_the_catalogue_is_empty_or_unsure() -> None:
    source = (CATALOGUE / "django.po").read_text()
    assert "fuzzy" not in source
    assert not re.search(r'^msgstr(\[0\])? ""\n(?!")', source, re.MULTILINE)


def test_compiled_catalogue_is_made_of_the_source() -> None:
    with (CATALOGUE / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    # Entries of one line, without a context: most of them, and enough to notice an old file.
    pairs = re.findall(r'^#.*\nmsgid "(.+)"\nmsgstr "(.+)"$', (CATALOGUE / "django.po").read_text(), re.MULTILINE)
    assert len(pairs) > 100
    for pair in pairs:
        english, chinese = (part.replace('\\"', '"').replace("\\n", "\n") for part in pair)
        assert compiled.gettext(english) == chinese, "run `manage.py compilemessages`"
