import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.assistant import guide
from apps.assistant.guide_responder import GuideResponder, compose
from apps.assistant.responder import Source, Sources, Text

WORDS = st.sampled_from(["SSE", "proxies", "cursor", "why", "nginx", "代理", "心跳", "为什么", "pizza", "?", "\n"])


async def test_answer_quotes_the_whole_section_and_says_that_it_quotes():
    text, sources = compose("Why do I need a heartbeat?", "en")
    section = next(section for section in guide.sections("en") if section.anchor == "heartbeats")
    assert text.startswith("I quote from this site's guide; no language model is at work.")
    assert section.title in text
    assert text.endswith(section.text)
    assert (sources[0].title, sources[0].url, sources[0].quoted) == (section.title, "/guide/#heartbeats", True)
    assert not any(source.quoted for source in sources[1:])


async def test_answer_in_chinese_is_chinese_throughout():
    text, sources = compose("为什么需要心跳？", "zh-hans")
    assert text.startswith("以下引自本站的指南，没有用到语言模型。出自“心跳：")
    assert sources[0].title == "心跳：分辨安静与死亡"
    assert sources[0].url == "/guide/#heartbeats"


@pytest.mark.parametrize(
    ("language", "question", "opening"),
    [
        ("en", "best pizza in town?", "The guide on this site says nothing about that"),
        ("zh-hans", "红烧肉怎么做", "本站的指南没有谈到这一点"),
    ],
)
async def test_when_nothing_fits_the_answer_says_so_and_lists_what_it_can_answer(language, question, opening):
    text, sources = compose(question, language)
    sections = guide.sections(language)
    assert text.startswith(opening)
    assert text.splitlines()[2:] == [f"• {section.title}" for section in sections]
    assert sources == (Source(guide.guide(language).title, "/guide/", quoted=False),)


@given(st.text(max_size=200) | st.lists(WORDS).map(" ".join), st.sampled_from(["en", "zh-hans"]))
async def test_pieces_put_together_are_the_answer_and_the_sources_come_last(question, language):
    text, sources = compose(question, language)
    pieces = [piece async for piece in GuideResponder().answer(question, language)]
    assert "".join(piece.text for piece in pieces if isinstance(piece, Text)) == text
    assert [piece for piece in pieces if not isinstance(piece, Text)] == [Sources(sources)]
    assert pieces[-1] == Sources(sources)
