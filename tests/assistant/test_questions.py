"""What is wrong with a question, and how each door says so."""

import json

import pytest
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from apps.assistant.languages import language_of_question
from tests.assistant.asking import ANSWER, ANSWER_BY_SSE, ask, body_of, frames_of

BAD_QUERIES = {
    "empty_question": {"q": ""},
    "empty_question when missing": {},
    "empty_question when blank": {"q": " \n\t "},
    "question_too_long": {"q": "x" * 2_001},
    "control_characters": {"q": "why\x00not"},
    "control_characters of the upper range": {"q": "why\x85not"},
    "unknown_language": {"q": "why?", "lang": "tlh"},
    "unknown_language of any length": {"q": "why?", "lang": "x" * 5_000},
    "repeated_parameter": {"q": ["why?", "how?"]},
    "malformed_request": {f"field{n}": "" for n in range(1_100)},
}


@pytest.mark.parametrize("case", BAD_QUERIES)
async def test_bad_question_gets_400_with_what_arrived_and_what_to_do(case):
    response = await AsyncClient().get(ANSWER, BAD_QUERIES[case], headers={"Accept-Language": "en"})
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == case.split()[0]
    assert 0 < len(error["message"]) < 200
    assert error["hint"]


@pytest.mark.parametrize("case", BAD_QUERIES)
async def test_bad_question_by_sse_gets_an_error_event_in_a_200_stream_that_ends(case):
    response = await AsyncClient().get(ANSWER_BY_SSE, BAD_QUERIES[case], headers={"Accept-Language": "en"})
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    body = await body_of(response)
    assert body.startswith("id: error\nevent: error\ndata: ")
    (frame,) = frames_of(body, ANSWER_BY_SSE)
    assert frame["type"] == "error"
    assert frame["error"]["code"] == case.split()[0]


async def test_question_of_exactly_2000_characters_is_answered():
    assert (await ask("why? " + "水" * 1_995))[-1] == {"type": "done"}


async def test_line_breaks_and_tabs_are_not_control_characters():
    assert (await ask("What is\r\n\tSSE?"))[-1] == {"type": "done"}


@pytest.mark.parametrize(
    ("accept", "message"), [("zh-CN,zh;q=0.9", "问题是空的。"), ("en-GB", "The question is empty."), ("tlh", "The")]
)
async def test_error_is_in_the_language_of_the_reader(accept, message):
    response = await AsyncClient().get(ANSWER, headers={"Accept-Language": accept})
    assert response.json()["error"]["message"].startswith(message)


async def test_lang_outweighs_accept_language_and_may_be_a_variant():
    response = await AsyncClient().get(ANSWER, {"lang": "zh_CN"}, headers={"Accept-Language": "en"})
    assert response.json()["error"]["message"] == "问题是空的。"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("q=What+is+SSE%3F&lang=en", "application/x-www-form-urlencoded"),
        (json.dumps({"q": "What is SSE?", "lang": "en"}), "application/json"),
        (json.dumps({"q": "What is SSE?"}), "application/json; charset=utf-8"),
        (json.dumps({"q": "What is SSE?", "lang": None}), "application/json"),
    ],
)
async def test_question_may_be_posted_as_a_form_or_as_json_without_a_csrf_token(body, content_type):
    client = AsyncClient(enforce_csrf_checks=True)
    response = await client.post(ANSWER, body, content_type=content_type)
    assert response.status_code == 200
    frames = frames_of(await body_of(response), ANSWER)
    assert frames[0] == {"type": "ready", "language": "en"}
    assert frames[-1] == {"type": "done"}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "malformed_request"),
        ("[" * 30_000, "application/json", 400, "malformed_request"),
        (b"\xff\xfe\x00", "application/json", 400, "malformed_request"),
        ('["q"]', "application/json", 400, "malformed_request"),
        ('{"q": 7}', "application/json", 400, "malformed_request"),
        ('{"q": "why?", "lang": {}}', "application/json", 400, "malformed_request"),
        ('{"q": "half \\ud83d"}', "application/json", 400, "control_characters"),
        ("{}", "application/json", 400, "empty_question"),
        ("&".join(f"f{n}=" for n in range(1_100)), "application/x-www-form-urlencoded", 400, "malformed_request"),
        ("q=why&q=how", "application/x-www-form-urlencoded", 400, "repeated_parameter"),
        ("why?", "text/plain", 415, "unsupported_body"),
        ("q=" + "x" * 40_000, "application/x-www-form-urlencoded", 413, "body_too_large"),
    ],
)
async def test_bad_body_gets_an_error_of_its_own(body, content_type, status, code):
    response = await AsyncClient().post(ANSWER, body, content_type=content_type)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


@given(st.binary(max_size=300), st.sampled_from(["application/json", "application/x-www-form-urlencoded", "x/y"]))
async def test_no_body_makes_the_server_fail(body, content_type):
    response = await AsyncClient().post(ANSWER, body, content_type=content_type)
    assert response.status_code in (200, 400, 415)


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [(ANSWER, "PUT", "GET, POST"), (ANSWER, "DELETE", "GET, POST"), (ANSWER_BY_SSE, "POST", "GET")],
)
async def test_other_methods_get_405_and_the_methods_that_are_understood(path, method, allow):
    response = await AsyncClient().generic(method, path)
    assert response.status_code == 405
    assert response["Allow"] == allow
    assert response.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("question", "page", "language"),
    [
        ("什么是 SSE", "en", "zh-hans"),
        ("What is SSE?", "zh-hans", "en"),
        ("SSE", "zh-hans", "zh-hans"),
        ("SSE", "en", "en"),
        ("¿Qué es?", "zh-hans", "zh-hans"),
        ("通知とは何ですか", "en", "en"),
    ],
)
def test_answer_is_in_the_language_of_the_question_or_else_of_the_page(question, page, language):
    assert language_of_question(question, otherwise=page) == language
