"""Every page as the server renders it."""

import re
from itertools import pairwise

import pytest
from django.test import Client

from apps.events import cursor, log
from apps.notifications.models import Notification
from tests.demos.addresses import PAGES, TRANSPORT_PAGES
from tests.demos.markup import Markup

pytestmark = pytest.mark.django_db(transaction=True)

HAN = re.compile("[\u4e00-\u9fff]")


def page(client: Client, address: str, language: str = "en") -> Markup:
    response = client.get(address, headers={"Accept-Language": language})
    assert response.status_code == 200
    assert "Cookie" in response["Vary"]
    return Markup(response.content.decode())


@pytest.mark.parametrize("address", PAGES)
def test_page_follows_the_browsers_language(client: Client, address: str) -> None:
    english, chinese = page(client, address), page(client, address, "zh-CN,zh;q=0.9,en;q=0.5")
    assert english.all("html") == [{"lang": "en"}]
    assert chinese.all("html") == [{"lang": "zh-Hans"}]
    # The only Chinese on an English page is the name of the language one can change to.
    assert HAN.findall(english.text) == ["中", "文"]
    assert len(HAN.findall(chinese.text)) > 100


@pytest.mark.parametrize("address", PAGES)
def test_page_remembers_the_language_that_was_chosen(client: Client, address: str) -> None:
    response = client.post("/i18n/setlang/", {"language": "zh-hans", "next": address})
    assert response["Location"] == address
    assert page(client, address, "en").all("html") == [{"lang": "zh-Hans"}]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("address", PAGES)
def test_page_is_well_formed_and_has_landmarks(client: Client, address: str, language: str) -> None:
    markup = page(client, address, language)
    assert markup.mistakes == []
    assert [element_id for element_id, count in markup.ids.items() if count > 1] == []
    for tag in ("h1", "main", "header", "footer", "title"):
        assert len(markup.all(tag)) >= 1, tag
    assert len(markup.all("h1")) == 1
    assert markup.by_id("menu")["aria-label"]
    for _, attributes in markup.elements:
        for name in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
            for target in attributes.get(name, "").split():
                assert target in markup.ids, f"{name} points to #{target}, which is not there"


@pytest.mark.parametrize("address", PAGES)
def test_headings_skip_no_level(client: Client, address: str) -> None:
    levels = [int(tag[1]) for tag, _ in page(client, address).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("address", [*PAGES, "/no-such-page", "/admin/login/"])
def test_page_carries_no_script_or_style_of_its_own_and_forbids_them(client: Client, address: str) -> None:
    response = client.get(address)
    directives = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert directives["default-src"] == "'self'"
    assert not any("unsafe" in sources or "*" in sources for sources in directives.values())
    markup = Markup(response.content.decode())
    assert all("src" in script or script.get("type") == "application/json" for script in markup.all("script"))
    assert markup.all("style") == []
    for tag, attributes in markup.elements:
        assert not {name for name in attributes if name == "style" or name.startswith("on")}, tag


@pytest.mark.parametrize("name", TRANSPORT_PAGES)
def test_transport_page_shows_the_newest_notifications_and_the_place_after_them(client: Client, name: str) -> None:
    for number in range(25):
        Notification.objects.create(title=f"Number {number}.")
    markup = page(client, TRANSPORT_PAGES[name])
    live = markup.by_id("live")
    assert live["data-transport"] == name
    assert live["data-cursor"] == log.bounds(["notifications"]).cursor.text
    newest = [str(pk) for pk in Notification.objects.values_list("pk", flat=True)[:20]]
    shown = [attributes["data-id"] for attributes in markup.all("li") if "data-id" in attributes]
    assert shown == [*newest, ""]  # and the empty row that the script fills
    assert "Number 24." in markup.text
    assert "Number 4." not in markup.text
    assert "hidden" in markup.by_id("empty")


def test_page_without_notifications_says_how_to_post_one(client: Client) -> None:
    markup = page(client, TRANSPORT_PAGES["sse"])
    assert "hidden" not in markup.by_id("empty")
    assert "/admin/notifications/notification/add/" in {link.get("href") for link in markup.all("a")}


def test_notification_posted_while_a_page_is_rendered_is_on_the_page_and_after_its_cursor(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bounds = log.bounds

    def bounds_and_then_a_post(topics: list[str]) -> object:
        bounds = read_bounds(topics)
        Notification.objects.create(title="In between")
        return bounds

    monkeypatch.setattr(log, "bounds", bounds_and_then_a_post)
    markup = page(client, TRANSPORT_PAGES["sse"])
    monkeypatch.undo()
    assert "In between" in markup.text
    place = cursor.parse(markup.by_id("live")["data-cursor"])
    assert [event.data["title"] for event in log.read(["notifications"], place).events] == ["In between"]


def test_hostile_notification_is_shown_as_the_text_it_is(client: Client) -> None:
    title = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    Notification.objects.create(title=title, message='"><b>bold</b>')
    # Past the form's checks, as an old row or another program could have it.
    Notification.objects.filter(pk=Notification.objects.create(title="Link").pk).update(link="javascript:alert(3)")
    markup = page(client, TRANSPORT_PAGES["sse"])
    assert title in markup.text
    assert markup.all("img") == []
    assert markup.all("b") == []
    assert not any(link.get("href", "").startswith("javascript:") for link in markup.all("a"))


def test_guide_holds_the_tables_and_an_anchor_for_every_entry_of_its_contents(client: Client) -> None:
    markup = page(client, "/guide/")
    assert len(markup.all("table")) == 3
    fragments = {link["href"][1:] for link in markup.all("a") if link.get("href", "").startswith("#")}
    assert {"choosing", "sse-or-websocket", "six-connections"} <= fragments
    assert fragments <= set(markup.ids)


def test_pages_correct_what_is_often_said_wrongly(client: Client) -> None:
    text = page(client, "/").text
    assert "It is one way. The server writes, the browser reads." in text
    assert "It is a request with a slow answer." in text
    assert "Every WebSocket begins as an HTTP GET" in text
