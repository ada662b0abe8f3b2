"""GET /api/long-poll: no parameters, and nothing lost between two calls."""

import asyncio

import httpx
import pytest

from apps.article import long_poll
from apps.events import feed, log, queries
from apps.events.queries import LogUnavailable
from tests.article.conftest import cookies_of
from tests.rig.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/long-poll"


@pytest.fixture(autouse=True)
def _short_wait(settings):
    settings.ARTICLE_LONG_POLL_S = 0.05


async def post(title: str, message: str = "") -> None:
    await log.aappend("notifications", "notification.posted", {"id": 1, "title": title, "message": message})


async def get(client: httpx.AsyncClient) -> dict:
    response = await client.get(PATH)
    assert response.status_code == 200
    return response.json()


async def test_without_news_the_answer_comes_when_the_time_is_up_and_is_empty(browser_like):
    answer = await get(browser_like)
    assert answer["message"] is None
    assert answer["events"] == []
    assert answer["reset"] is None
    assert answer["timestamp"].endswith("Z")


async def test_a_notification_answers_a_call_that_waits(browser_like, settings):
    settings.ARTICLE_LONG_POLL_S = 60
    call = asyncio.create_task(get(browser_like))
    await await_until(lambda: waiting_for_notifications(), "the call to wait")
    await post("Lunch", "is ready")
    answer = await call
    assert answer["message"] == "Lunch: is ready"
    assert answer["events"][0]["data"]["title"] == "Lunch"


def waiting_for_notifications() -> bool:
    window = feed.current().windows.get("notifications")
    return window is not None and bool(window.waiters)


async def test_what_was_posted_between_two_calls_comes_one_by_one_in_order(browser_like, settings):
    await get(browser_like)
    for number in range(3):
        await post(f"News {number}")
    settings.ARTICLE_LONG_POLL_S = 60
    answers = [await get(browser_like) for _ in range(3)]
    assert [answer["message"] for answer in answers] == ["News 0", "News 1", "News 2"]
    settings.ARTICLE_LONG_POLL_S = 0.05
    assert (await get(browser_like))["message"] is None


async def test_a_browser_that_comes_for_the_first_time_gets_no_old_news(browser_like):
    await post("old")
    assert (await get(browser_like))["message"] is None


async def test_an_answer_that_never_arrived_is_given_again(browser_like, settings):
    await get(browser_like)
    place = dict(browser_like.cookies)
    await post("News")
    settings.ARTICLE_LONG_POLL_S = 60
    assert (await get(browser_like))["message"] == "News"
    browser_like.cookies.update(place)
    assert (await get(browser_like))["message"] == "News"


async def test_two_browsers_have_a_place_each(browser_like):
    await get(browser_like)
    await post("News")
    other = httpx.AsyncClient(transport=browser_like._transport, base_url="http://localhost", timeout=60)
    assert (await get(other))["message"] is None
    assert (await get(browser_like))["message"] == "News"


async def test_the_place_is_a_session_cookie_for_this_path_that_scripts_and_other_sites_do_not_get(browser_like):
    cookie = cookies_of(await browser_like.get(PATH))[long_poll.PLACE_COOKIE]
    assert cookie["path"] == PATH
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]
    assert not cookie["expires"]


@pytest.mark.parametrize("garbage", ["garbage", "start", "x~notifications:-1", "x" * 3_000, "x~chat.lobby:3"])
async def test_a_cookie_that_makes_no_sense_means_from_now_on_and_is_replaced(browser_like, garbage):
    await post("old")
    browser_like.cookies.set(long_poll.PLACE_COOKIE, garbage)
    answer = await get(browser_like)
    assert answer["message"] is None
    assert answer["reset"] is None
    assert answer["cursor"].endswith("~notifications:1")


async def test_a_restored_log_answers_with_a_reset_and_then_with_what_is_kept(browser_like, settings):
    await get(browser_like)
    await post("News")
    assert (await get(browser_like))["message"] == "News"
    await queries.run(log.change_epoch)
    settings.ARTICLE_LONG_POLL_S = 60
    answer = await get(browser_like)
    assert answer["reset"]["reason"] == "epoch"
    assert answer["events"] == []
    assert (await get(browser_like))["message"] == "News"


async def test_a_recall_is_told_without_a_message(browser_like):
    await get(browser_like)
    subject = "notification:1"
    await log.aappend("notifications", "notification.posted", {"title": "Oops", "message": ""}, subject=subject)
    recall = await log.aappend("notifications", "notification.recalled", {"id": 1}, subject=subject, blank_earlier=True)
    # Until its hint is heard, this process may still hand out what another has just taken back.
    await await_until(lambda: feed.current().windows["notifications"].head == recall.seq, "the recall is heard")
    answers = [await get(browser_like) for _ in range(2)]
    assert [answer["message"] for answer in answers] == [None, None]
    assert answers[0]["events"][0]["data"] is None
    assert answers[1]["events"][0]["type"] == "notification.recalled"


async def test_while_the_database_is_away_a_client_that_asks_at_once_is_slowed_down(browser_like, monkeypatch):
    async def away(*args):
        raise LogUnavailable("connection refused")

    paused_s = []

    async def pause(seconds: float) -> None:
        paused_s.append(seconds)

    monkeypatch.setattr(feed.current(), "resolve", away)
    monkeypatch.setattr(long_poll.asyncio, "sleep", pause)
    response = await browser_like.get(PATH)
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert response.json()["error"]["code"] == "log_unavailable"
    assert paused_s == [long_poll.REFUSAL_PAUSE_S]


async def test_other_methods_are_refused(browser_like):
    response = await browser_like.post(PATH)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


async def test_a_client_that_leaves_frees_its_place_in_the_queue(browser_like, settings):
    settings.ARTICLE_LONG_POLL_S = 60
    call = asyncio.create_task(get(browser_like))
    await await_until(lambda: waiting_for_notifications(), "the call to wait")
    call.cancel()
    await await_until(lambda: not waiting_for_notifications(), "the waiter to be forgotten")
    assert feed.current().windows["notifications"].subscribers == 0
