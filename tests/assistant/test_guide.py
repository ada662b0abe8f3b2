import re

import pytest
from django.conf import settings

from apps.assistant import guide
from apps.assistant.guide import reader

LANGUAGES = [language for language, _name in settings.LANGUAGES]


def test_guide_has_the_same_sections_in_every_language():
    anchors = [[section.anchor for section in guide.sections(language)] for language in LANGUAGES]
    assert all(other == anchors[0] for other in anchors)
    assert len(set(anchors[0])) == len(anchors[0]) >= 12


@pytest.mark.parametrize("anchor", ["short-poll", "long-poll", "sse", "fetch-stream", "websocket", "choosing"])
def test_guide_has_a_section_on_each_transport_and_on_choosing(anchor):
    assert anchor in [section.anchor for section in guide.sections("en")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_has_a_title_and_words_in_its_language(language):
    whole = guide.guide(language)
    assert whole.title
    assert "<p>" in whole.introduction_html
    for section in whole.sections:
        assert section.title
        assert section.body_html.startswith("<p>")
        assert bool(re.search(r"[\u4e00-\u9fff]", section.text)) == (language == "zh-hans"), section.anchor


@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_text_of_a_section_has_no_markup(language):
    for section in guide.sections(language):
        assert not re.search(r"\*\*|`|\]\(|<p>|&[a-z]+;|\{#", section.text), section.anchor


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_within_the_guide_lead_to_sections_that_exist(language):
    sections = guide.sections(language)
    links = [link for section in sections for link in re.findall(r'href="#([^"]*)"', section.body_html)]
    assert links
    assert set(links) <= {section.anchor for section in sections}


def test_list_items_of_the_plain_text_stand_one_below_the_other():
    choosing = next(section for section in guide.sections("en") if section.anchor == "choosing")
    items = [line for line in choosing.text.splitlines() if line.startswith("• ")]
    assert len(items) == choosing.body_html.count("<li>") == 5


@pytest.mark.parametrize(("asked", "read"), [("zh-cn", "zh-hans"), ("en-gb", "en"), ("tlh", "en")])
def test_variant_of_a_language_reads_its_guide_and_an_unknown_one_the_default(asked, read):
    assert guide.sections(asked) == guide.sections(read)


def test_html_in_a_guide_is_shown_as_text(tmp_path, monkeypatch):
    (tmp_path / "fr.md").write_text("{#a}\n## Titre\n\n<script>alert(1)</script> [x](javascript:alert(1))\n")
    monkeypatch.setattr(reader, "_FOLDER", tmp_path)
    (section,) = reader._read("fr").sections
    assert "<script" not in section.body_html
    assert "href" not in section.body_html


def test_section_without_an_anchor_is_refused_with_its_title(tmp_path, monkeypatch):
    (tmp_path / "de.md").write_text("## Ohne Anker\n\nText\n")
    monkeypatch.setattr(reader, "_FOLDER", tmp_path)
    with pytest.raises(ValueError, match="Ohne Anker"):
        reader._read("de")
