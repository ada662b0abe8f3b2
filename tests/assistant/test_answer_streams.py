"""The frames of an answer, by fetch and by SSE."""

import json

import pytest
from django.core.checks import run_checks
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from apps.assistant import capacity
from apps.assistant.answering import frames
from apps.assistant.guide_responder import compose
from apps.assistant.question import Question
from tests.assistant.asking import ANSWER, ANSWER_BY_SSE, ask, body_of, text_of

BOTH = pytest.mark.parametrize("path", [ANSWER, ANSWER_BY_SSE], ids=["fetch", "sse"])
SAYABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=100).filter(str.strip)


@pytest.fixture
def answers_by(settings):
    """Choose one of tests/assistant/responders.py by its name."""

    def choose(name: str) -> None:
        settings.ASSISTANT_RESPONDER = f"tests.assistant.responders.{name}"

    return choose


@BOTH
async def test_answer_is_ready_then_text_then_sources_then_done(path):
    answer = await ask("Why do I need a heartbeat?", path=path)
    assert answer[0] == {"type": "ready", "language": "en"}
    assert {frame["type"] for frame in answer[1:-2]} == {"text"}
    assert answer[-2]["sources"][0] == {
        "title": "Heartbeats: telling silence from death",
        "url": "/guide/#heartbeats",
        "quoted": True,
    }
    assert answer[-1] == {"type": "done"}


@given(SAYABLE | st.sampled_from(["What is SSE?", "代理与缓冲", "nginx"]), st.sampled_from(["en", "zh-hans"]))
async def test_text_frames_put_together_are_the_answer(question, lang):
    answer = await ask(question, lang)
    assert text_of(answer) == compose(question.strip(), answer[0]["language"])[0]


async def test_frames_are_the_same_by_fetch_and_by_sse():
    assert await ask("代理缓冲怎么办", path=ANSWER) == await ask("代理缓冲怎么办", path=ANSWER_BY_SSE)


@BOTH
async def test_stream_has_the_headers_that_keep_proxies_from_collecting_it(path):
    response = await AsyncClient().get(path, {"q": "什么是 SSE"})
    assert response["Content-Type"] == {ANSWER: "application/x-ndjson", ANSWER_BY_SSE: "text/event-stream"}[path]
    assert response["Cache-Control"] == "private, no-cache, no-transform"
    assert response["X-Accel-Buffering"] == "no"
    assert response["Content-Encoding"] == "identity"
    assert response["Content-Language"] == "zh-hans"


async def test_sse_starts_with_retry_and_names_each_event_after_its_frame():
    body = await body_of(await AsyncClient().get(ANSWER_BY_SSE, {"q": "What is SSE?"}))
    assert body.startswith('retry: 2000\nevent: ready\ndata: {"type":"ready","language":"en"}\n\nevent: text\n')
    for block in body.removeprefix("retry: 2000\n").removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        assert fields["event"] == json.loads(fields["data"])["type"]


async def test_only_the_last_sse_event_has_an_id():
    body = await body_of(await AsyncClient().get(ANSWER_BY_SSE, {"q": "What is SSE?"}))
    assert body.endswith('\n\nid: done\nevent: done\ndata: {"type":"done"}\n\n')
    assert body.count("\nid: ") == 1


async def test_event_source_that_returns_after_its_answer_is_told_to_stay_away():
    response = await AsyncClient().get(ANSWER_BY_SSE, {"q": "What is SSE?"}, headers={"Last-Event-ID": "done"})
    assert response.status_code == 204
    assert response.content == b""


@BOTH
async def test_text_that_looks_like_framing_stays_inside_its_frame(path, answers_by):
    answers_by("HasBrokenCharacters")
    answer = await ask("Anything", path=path)
    assert [frame["type"] for frame in answer] == ["ready", "text", "text", "done"]
    assert answer[1]["text"] == "half an emoji: ?"
    assert answer[2]["text"] == "line one\nline two\r\n\r\nevent: done\n\n"


@BOTH
async def test_responder_that_fails_ends_the_answer_with_a_plain_error_and_is_logged(path, answers_by, caplog):
    answers_by("Fails")
    answer = await ask("What is SSE?", path=path)
    assert [frame["type"] for frame in answer] == ["ready", "text", "error"]
    assert answer[-1]["error"]["code"] == "responder_failed"
    assert "secret" not in json.dumps(answer)
    assert "secret detail" in caplog.text


@BOTH
async def test_responder_that_refuses_is_quoted(path, answers_by):
    answers_by("Refuses")
    assert (await ask("What is SSE?", path=path))[1:] == [
        {
            "type": "error",
            "error": {
                "code": "quota",
                "message": "The model has answered enough for today.",
                "hint": "Ask tomorrow.",
            },
        }
    ]


@BOTH
async def test_answer_that_takes_too_long_is_cut_off_with_an_error(path, answers_by, settings):
    answers_by("Thinks")
    settings.ASSISTANT_TIMEOUT_S = 0.05
    answer = await ask("为什么", path=path)
    assert [frame["type"] for frame in answer] == ["ready", "text", "error"]
    assert answer[-1]["error"]["code"] == "took_too_long"
    assert answer[-1]["error"]["message"].startswith("回答超过了")


async def test_timeout_within_the_responder_is_its_failure_and_not_ours(answers_by):
    answers_by("TimesOutByItself")
    assert (await ask("What is SSE?"))[-1]["error"]["code"] == "responder_failed"


async def test_when_all_places_are_taken_the_reader_is_asked_to_come_back(settings):
    settings.ASSISTANT_MAX_ANSWERS = 1
    being_written = frames(Question("What is SSE?", "en"))
    assert await anext(being_written) == {"type": "ready", "language": "en"}

    refused = await AsyncClient().get(ANSWER, {"q": "还有吗？"})
    assert refused.status_code == 503
    assert int(refused["Retry-After"]) > 0
    assert refused.json()["error"] == {
        "code": "busy",
        "message": "我正在写 1 个回答，同时最多只能写这么多。",
        "hint": "请过几秒再问。",
    }
    (refusal,) = await ask("Me too?", path=ANSWER_BY_SSE)
    assert (refusal["type"], refusal["error"]["code"]) == ("error", "busy")

    await being_written.aclose()
    assert (await ask("And now?"))[-1] == {"type": "done"}


async def test_place_that_was_taken_between_the_check_and_the_start_makes_an_error_frame(settings):
    settings.ASSISTANT_MAX_ANSWERS = 1
    first, second = (frames(Question("What is SSE?", "en")) for _ in range(2))
    await anext(first)
    assert [frame["error"]["code"] async for frame in second] == ["busy"]
    await first.aclose()
    assert capacity.of_this_process.taken == 0


async def test_answer_that_nobody_starts_to_read_takes_no_place():
    response = await AsyncClient().get(ANSWER, {"q": "What is SSE?"})
    assert response.status_code == 200
    assert capacity.of_this_process.taken == 0


def test_system_check_names_a_responder_that_cannot_be_used(settings):
    settings.ASSISTANT_RESPONDER = "tests.assistant.responders.IsNone"
    (error,) = [error for error in run_checks() if error.id == "assistant.E001"]
    assert settings.ASSISTANT_RESPONDER in error.msg


def test_system_check_is_content_with_the_guide():
    assert not [error for error in run_checks() if error.id == "assistant.E001"]
