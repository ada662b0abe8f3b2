"""Another password: changed by who is signed in, or reset by who reads the account's mail."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.http import HttpResponse
from django.test import AsyncClient, Client

from apps.access import rate
from tests.demos.markup import Markup

pytestmark = pytest.mark.django_db

OLD, NEW = "correct horse battery", "staple of another kind"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org", OLD)


def signed_in() -> Client:
    client = Client()
    response = client.post("/account/sign-in/", {"username": "ada", "password": OLD})
    assert response.status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def link_in_the_mail() -> str:
    found = re.search(r"http://testserver(/account/reset/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def ask(client: Client, email: str, language: str = "en") -> None:
    response = client.post("/account/reset/", {"email": email}, headers={"Accept-Language": language})
    assert response["Location"] == "/account/reset/sent/"


def test_another_password_ends_the_other_sessions_and_keeps_this_one(ada: User) -> None:
    here, elsewhere = signed_in(), signed_in()
    key = here.cookies["sessionid"].value
    answer = here.post("/account/password/", {"old_password": OLD, "new_password1": NEW, "new_password2": NEW})
    assert answer["Location"] == "/account/password/done/"
    assert is_signed_in(here)
    assert here.cookies["sessionid"].value != key
    assert not is_signed_in(elsewhere)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("wrong", NEW, "incorrectly"), (OLD, "12345678", "entirely numeric"), (OLD, "password", "too common")],
)
def test_a_password_that_will_not_do_changes_nothing(ada: User, old: str, new: str, said: str) -> None:
    here, elsewhere = signed_in(), signed_in()
    answer = here.post("/account/password/", {"old_password": old, "new_password1": new, "new_password2": new})
    page = Markup(answer.content.decode())
    assert said in page.text
    assert page.mistakes == []
    assert is_signed_in(elsewhere)


@pytest.mark.django_db(transaction=True)
async def test_the_old_password_is_not_guessed_at_in_a_browser_that_was_left_signed_in(settings: Any) -> None:
    ada = await User.objects.acreate_user("ada", "ada@example.org", OLD, is_staff=True)
    eve = await User.objects.acreate_user("eve", "eve@example.org", OLD)
    settings.RATES = {**settings.RATES, "password_user": rate.parse("10/h")}

    async def guess(user: User, path: str = "/account/password/") -> HttpResponse:
        client = AsyncClient()
        await client.aforce_login(user)
        return await client.post(path, {"old_password": "guess", "new_password1": NEW, "new_password2": NEW})

    assert (await guess(ada)).status_code == 200
    for path in ("/account/password/", "/admin/password_change/"):
        answer = await guess(ada, path)
        assert answer.status_code == 429
        assert 300 < int(answer["Retry-After"]) <= 360
        page = Markup(answer.content.decode())
        assert "Try again in 6 minutes" in page.text
        assert page.mistakes == []
    assert (await guess(eve)).status_code == 200


def test_the_admins_page_changes_ones_password_as_the_sites_does(ada: User) -> None:
    User.objects.update(is_staff=True)
    here, elsewhere = signed_in(), signed_in()
    page = here.get("/admin/password_change/")
    assert "admin/css/base.css" in page.content.decode()
    fields = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    assert here.post("/admin/password_change/", fields)["Location"] == "/admin/password_change/done/"
    assert is_signed_in(here)
    assert not is_signed_in(elsewhere)


def test_a_forgotten_password_is_reset_by_mail(ada: User) -> None:
    elsewhere, client = signed_in(), Client()
    ask(client, "ada@example.org")
    form = client.get(link_in_the_mail(), follow=True)
    assert form.status_code == 200
    # The token is out of the address before the page is shown, so that no link from there carries it on.
    (address, _) = form.redirect_chain[-1]
    assert address.endswith("/set-password/")
    answer = client.post(address, {"new_password1": NEW, "new_password2": NEW})
    assert answer["Location"] == "/account/reset/done/"
    assert not is_signed_in(elsewhere)
    assert Client().post("/account/sign-in/", {"username": "ada", "password": NEW}).status_code == 302


def test_the_link_works_once(ada: User) -> None:
    client = Client()
    ask(client, "ada@example.org")
    address = client.get(link_in_the_mail())["Location"]
    client.post(address, {"new_password1": NEW, "new_password2": NEW})
    again = Client().get(link_in_the_mail())
    assert "This link no longer works" in Markup(again.content.decode()).text


def test_who_set_a_new_password_is_no_longer_locked_out(ada: User) -> None:
    client = Client()
    for _ in range(5):
        client.post("/account/sign-in/", {"username": "ada", "password": "forgotten"})
    assert client.post("/account/sign-in/", {"username": "ada", "password": OLD}).status_code == 429
    ask(client, "ada@example.org")
    client.post(client.get(link_in_the_mail())["Location"], {"new_password1": NEW, "new_password2": NEW})
    assert client.post("/account/sign-in/", {"username": "ada", "password": NEW}).status_code == 302


def test_nobody_learns_which_addresses_have_accounts(ada: User) -> None:
    client = Client()
    known = client.post("/account/reset/", {"email": "ada@example.org"}, follow=True).content
    unknown = client.post("/account/reset/", {"email": "eve@example.org"}, follow=True).content
    assert len(mail.outbox) == 1
    assert re.sub(rb'value="\w{64}"', b"", known) == re.sub(rb'value="\w{64}"', b"", unknown)


@pytest.mark.django_db(transaction=True)
async def test_nobodys_mailbox_is_filled_and_whose_it_is_stays_untold(settings: Any) -> None:
    await User.objects.acreate_user("ada", "ada@example.org", OLD)
    settings.RATES = {**settings.RATES, "reset_account": rate.parse("10/h")}
    told = {}
    for email in ("ada@example.org", "eve@example.org"):
        spellings = (email, email.upper(), email.replace("example", "ｅxample"))
        answers = [await AsyncClient().post("/account/reset/", {"email": one}) for one in spellings]
        assert [answer.status_code for answer in answers] == [302, 429, 429]
        assert 300 < int(answers[1]["Retry-After"]) <= 360
        told[email] = Markup(answers[1].content.decode())
    assert [one.to for one in mail.outbox] == [["ada@example.org"]]
    known, unknown = told.values()
    assert "ask again in 6 minutes" in known.text
    assert known.text == unknown.text
    assert known.mistakes == []


@pytest.mark.django_db(transaction=True)
async def test_who_asks_for_one_address_after_the_other_is_slowed_down(settings: Any) -> None:
    settings.RATES = {**settings.RATES, "reset_address": rate.parse("20/h")}

    async def ask_from(address: str, email: str) -> int:
        class Away(AsyncClient):
            def _base_scope(self, **request: Any) -> dict[str, Any]:
                return super()._base_scope(**request) | {"client": (address, 4)}

        return (await Away().post("/account/reset/", {"email": email})).status_code

    # One network of IPv6.
    statuses = [await ask_from(f"2001:db8::{number}", f"{number}@example.org") for number in range(3)]
    assert statuses == [302, 429, 429]
    assert await ask_from("192.0.2.9", "9@example.org") == 302


def test_the_mail_is_in_the_language_of_who_asks(ada: User) -> None:
    ask(Client(), "ada@example.org", "zh-CN")
    assert mail.outbox[0].subject == "五扇门：设置新密码"
    assert "链接三天内有效" in mail.outbox[0].body
    ask(Client(), "ada@example.org")
    assert mail.outbox[1].subject == "Five Doors: a new password"
    assert "the link works once, for three days" in mail.outbox[1].body


def test_signing_out_takes_a_post(ada: User) -> None:
    client = signed_in()
    key = client.session.session_key
    assert client.get("/account/sign-out/").status_code == 405
    assert is_signed_in(client)
    assert "You are signed out" in client.post("/account/sign-out/").content.decode()
    assert not client.session.exists(key)
    assert not is_signed_in(client)


@pytest.mark.parametrize("is_staff", [False, True])
def test_the_account_says_who_one_is_and_leads_staff_to_the_admin(ada: User, is_staff: bool) -> None:
    User.objects.update(is_staff=is_staff)
    page = Markup(signed_in().get("/account/").content.decode())
    assert "ada@example.org" in page.text
    ways = [link["href"] for link in page.all("a") if "button" in link.get("class", "").split()]
    assert ways == ["/account/password/", *(["/admin/"] if is_staff else [])]
