"""What the pages' scripts and tables say exists in Chinese too."""

import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from apps.bell.texts import BELL_TEXTS
from apps.demos import comparison, explained, page_texts
from apps.lab.page_texts import CLAIMS, FAULT_TEXTS, LAB_TEXTS, ROWS, SERVER_FIGURES

CATALOGUES = sorted(path for path in Path().glob("**/zh_Hans/LC_MESSAGES") if path.parts[0] in ("apps", "locale"))
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
        LAB_TEXTS,
    ):
        yield from group.values()
    for fault in FAULT_TEXTS:
        yield from (fault.title, fault.says)
    for claim in CLAIMS:
        yield from (claim.need, claim.says)
    for figure in (*ROWS, *SERVER_FIGURES):
        yield figure.title


def places(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


def has_words(text: str) -> bool:
    """Tell whether there is more to it than values, units and signs."""
    return bool(re.search("[A-Za-z]{3}", re.sub(r"\{\w+\}", "", text)))


def test_every_text_has_a_translation_with_the_same_places_for_values() -> None:
    for text in texts():
        with translation.override("en"):
            english = str(text)
        with translation.override("zh-hans"):
            chinese = str(text)
        assert english in NAMES or not has_words(english) or re.search("[\u4e00-\u9fff]", chinese), english
        assert places(english) == places(chinese), english


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=str)
def test_no_entry_of_a_catalogue_is_empty_or_unsure(catalogue: Path) -> None:
    source = (catalogue / "django.po").read_text()
    assert "fuzzy" not in source
    assert not re.search(r'^msgstr(\[0\])? ""\n(?!")', source, re.MULTILINE)


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=str)
def test_compiled_catalogue_is_made_of_the_source(catalogue: Path) -> None:
    with (catalogue / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    # Entries of one line, without a context: most of them, and enough to notice an old file.
    pairs = re.findall(r'(?<!")\nmsgid "(.+)"\nmsgstr "(.+)"$', (catalogue / "django.po").read_text(), re.MULTILINE)
    assert pairs
    for pair in pairs:
        english, chinese = (part.replace('\\"', '"').replace("\\n", "\n") for part in pair)
        assert compiled.gettext(english) == chinese, "run `manage.py compilemessages`"
