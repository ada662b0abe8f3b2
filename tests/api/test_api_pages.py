"""The API's pages and its document: whole, in both languages, and alive under the site's Content-Security-Policy."""

import json
import re

import pytest
from django.test import Client
from django.utils import translation
from playwright.async_api import expect

from apps.api.problems import PROBLEMS, problem
from apps.transports.refusal import Refusal


@pytest.mark.parametrize("code", PROBLEMS)
def test_the_type_of_a_problem_points_to_its_place_on_the_page(code):
    told = problem(Refusal(PROBLEMS[code].status, code, "what arrived", "what to do"))
    page, _, anchor = json.loads(told.content)["type"].partition("#")

    assert f'id="{anchor}"' in Client().get(page).content.decode()


def test_every_problem_is_explained_in_chinese_too():
    with translation.override("zh-hans"):
        for one in PROBLEMS.values():
            for text in (one.title, one.meaning):
                assert re.search("[\u4e00-\u9fff]", translation.gettext(text)), text


def test_the_document_has_every_operation_and_every_status_a_description():
    document = Client().get("/api/openapi.json").json()

    operations = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert operations >= {
        ("POST", "/api/topics/{topic}/events"),
        ("GET", "/api/topics/{topic}/events"),
        ("POST", "/api/topics/events"),
        ("POST", "/api/notifications"),
        ("PATCH", "/api/notifications/{number}"),
        ("DELETE", "/api/notifications/{number}"),
    }
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            for status, answer in operation["responses"].items():
                assert list(answer.get("content", {"application/problem+json": {}})) == [
                    "application/problem+json" if int(status) >= 400 or status == "204" else "application/json"
                ]


async def test_an_event_is_published_from_the_docs_in_chromium(pages, live_site):
    page = await pages.open(live_site.url + "/api/docs", account=live_site.admin)
    operation = page.locator("#operations-topics-publish")

    await operation.locator(".opblock-summary").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.locator("input[placeholder=topic]").fill("lab.docs")
    await operation.locator("textarea").fill('{"type": "demo.said", "data": "from the docs"}')
    await operation.get_by_role("button", name="Execute").click()

    await expect(operation.locator(".live-responses-table .response-col_status").last).to_have_text("201")
    with live_site.client() as client:
        batch = client.get("/api/topics/lab.docs/events").json()
    assert [event["data"] for event in batch["events"]] == ["from the docs"]


async def test_a_phone_shows_the_docs_without_scrolling_sideways(pages, live_site):
    page = await pages.open(live_site.url + "/api/docs", locale="zh-CN", phone=True, dark=True)
    with live_site.client() as client:
        operations = sum(len(methods) for methods in client.get("/api/openapi.json").json()["paths"].values())
    await expect(page.locator(".opblock")).to_have_count(operations)
    assert await page.locator("h1").first.inner_text() == "发布 API"
    assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
