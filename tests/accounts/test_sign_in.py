"""Signing in: the session it makes, where it leads, and what happens to who guesses."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client

from apps.audit.models import Action, Entry
from tests.conftest import StartSite
from tests.demos.markup import Markup

pytestmark = pytest.mark.django_db

SIGN_IN, ADMIN_SIGN_IN = "/account/sign-in/", "/admin/login/"
PASSWORD = "correct horse battery"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org", PASSWORD, is_staff=True)


def try_to_sign_in(
    client: Client,
    password: str,
    *,
    username: str = "ada",
    path: str = SIGN_IN,
    address: str = "192.0.2.1",
    **fields: str,
):
    return client.post(path, {"username": username, "password": password} | fields, REMOTE_ADDR=address)


def fail(client: Client, times: int, **options: str) -> int:
    """Fail to sign in so often, and return the status of the last answer."""
    return [try_to_sign_in(client, f"wrong {number}", **options).status_code for number in range(times)][-1]


def test_a_session_planted_before_is_worth_nothing_after(client: Client, ada: User) -> None:
    client.session.save()
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    response = try_to_sign_in(client, PASSWORD)
    assert response.status_code == 302
    assert client.cookies["sessionid"].value != planted
    assert not client.session.exists(planted)


def test_the_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client: Client, ada: User) -> None:
    session = try_to_sign_in(client, PASSWORD).cookies["sessionid"]
    assert (session["httponly"], session["samesite"], session["max-age"]) == (True, "Lax", 1_209_600)
    token = client.get(SIGN_IN).cookies["csrftoken"]
    assert token["samesite"] == "Lax"


@pytest.mark.parametrize("path", [SIGN_IN, ADMIN_SIGN_IN])
@pytest.mark.parametrize(
    "hostile",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "https:evil.example",
        "\t//evil.example",
    ],
)
def test_one_is_sent_on_to_pages_of_this_site_only(client: Client, ada: User, path: str, hostile: str) -> None:
    response = try_to_sign_in(client, PASSWORD, path=path, next=hostile)
    assert response.status_code == 302
    assert re.fullmatch(r"/(account|admin)/", response["Location"])


def test_one_is_sent_on_to_where_one_came_from(client: Client, ada: User) -> None:
    page = Markup(client.get("/demos/sse/?from=here").content.decode())
    (way,) = [link["href"] for link in page.all("a") if "account-entry" in link.get("class", "")]
    assert way == "/account/sign-in/?next=%2Fdemos%2Fsse%2F%3Ffrom%3Dhere"
    assert client.get(way).context["next"] == "/demos/sse/?from=here"
    response = client.post(way, {"username": "ada", "password": PASSWORD, "next": "/demos/sse/?from=here"})
    assert response["Location"] == "/demos/sse/?from=here"


def test_a_page_that_needs_an_account_leads_to_the_sites_own_sign_in(client: Client) -> None:
    assert client.get("/account/")["Location"] == "/account/sign-in/?next=/account/"


def test_who_is_signed_in_is_not_sent_on_by_a_mere_look(client: Client, ada: User) -> None:
    client.force_login(ada)
    response = client.get(SIGN_IN, {"next": "/static/demos/favicon.svg"})
    assert response.status_code == 200
    assert "You are signed in as ada" in Markup(response.content.decode()).text


@pytest.mark.parametrize("path", [SIGN_IN, ADMIN_SIGN_IN])
def test_guessing_ends_with_a_page_that_says_when_to_try_again(client: Client, ada: User, path: str) -> None:
    assert fail(client, 4, path=path) == 200
    response = try_to_sign_in(client, "wrong", path=path)
    assert response.status_code == 429
    assert 890 <= int(response["Retry-After"]) <= 900
    page = Markup(response.content.decode())
    assert "Try again in 15 minutes." in page.text
    assert page.mistakes == []
    # The right password is no way in now, at neither page …
    assert try_to_sign_in(client, PASSWORD, path=path).status_code == 429
    assert try_to_sign_in(client, PASSWORD, path=ADMIN_SIGN_IN if path == SIGN_IN else SIGN_IN).status_code == 429
    # … but from elsewhere, or for somebody else.
    assert try_to_sign_in(Client(), PASSWORD, address="192.0.2.2").status_code == 302


def test_it_is_said_in_chinese_too(client: Client, ada: User) -> None:
    fail(client, 5)
    response = client.post(
        SIGN_IN, {"username": "ada", "password": "x"}, REMOTE_ADDR="192.0.2.1", headers={"Accept-Language": "zh-CN"}
    )
    assert "请在 15 分钟后再试" in response.content.decode()


def test_one_may_try_again_after_the_time_that_was_told(client: Client, ada: User) -> None:
    fail(client, 5)
    # Who goes on trying does not make it longer.
    waits = [int(try_to_sign_in(client, "wrong")["Retry-After"]) for _ in range(3)]
    assert max(waits) <= 900
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(seconds=890))
    assert 1 <= int(try_to_sign_in(client, PASSWORD)["Retry-After"]) <= 10
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(seconds=10))
    assert try_to_sign_in(client, PASSWORD).status_code == 302


def test_a_success_forgets_the_failures_before_it(client: Client, ada: User) -> None:
    fail(client, 4)
    assert try_to_sign_in(client, PASSWORD).status_code == 302
    assert fail(client, 4) == 200


def test_claims_of_the_client_about_its_address_change_nothing(client: Client, ada: User) -> None:
    for number in range(5):
        claims = {
            "X-Forwarded-For": f"198.51.100.{number}",
            "X-Real-IP": f"198.51.100.{number}",
            "User-Agent": f"{number}",
        }
        response = client.post(
            SIGN_IN, {"username": "ada", "password": "wrong"}, REMOTE_ADDR="192.0.2.1", headers=claims
        )
    assert response.status_code == 429


def test_all_addresses_of_an_ipv6_network_count_as_one(client: Client, ada: User) -> None:
    statuses = [fail(client, 1, address=f"2001:db8:1:2::{number}") for number in range(5)]
    assert statuses[-1] == 429
    assert fail(client, 1, address="2001:db8:1:3::1") == 200


def test_one_password_on_many_names_from_one_address_ends_too(client: Client, ada: User, settings) -> None:
    settings.SIGN_IN_ATTEMPTS = settings.AXES_FAILURE_LIMIT = 1
    statuses = [fail(client, 1, username=f"name-{number}", address="192.0.2.7") for number in range(10)]
    assert statuses[-1] == 429
    # An account of the guesser's own does not begin the count anew.
    User.objects.create_user("guesser", password=PASSWORD)
    assert try_to_sign_in(client, PASSWORD, username="guesser", address="192.0.2.7").status_code == 429


def test_one_name_from_many_addresses_ends_too(client: Client, ada: User, settings) -> None:
    settings.SIGN_IN_ATTEMPTS = settings.AXES_FAILURE_LIMIT = 1
    statuses = [fail(client, 1, address=f"192.0.2.{number}") for number in range(20)]
    assert statuses[-1] == 429
    assert try_to_sign_in(client, PASSWORD, address="198.51.100.1").status_code == 429


@pytest.mark.parametrize("path", [SIGN_IN, ADMIN_SIGN_IN])
# Django takes ½ for three characters.
@pytest.mark.parametrize("name", ["a" * 151, "a" * 9_000, "½" * 100], ids=["151", "9000", "halves"])
def test_a_name_that_is_too_long_is_neither_hashed_for_nor_counted(
    client: Client, path: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed(*_: object) -> None:
        raise AssertionError("a password was hashed for a name that nobody can have")

    monkeypatch.setattr(User, "set_password", hashed)
    response = try_to_sign_in(client, "wrong", username=name, path=path)
    assert response.status_code == 200
    assert "at most 150 characters" in Markup(response.content.decode()).text
    assert not AccessAttempt.objects.exists()


@pytest.mark.parametrize("path", [SIGN_IN, ADMIN_SIGN_IN])
def test_a_name_of_the_greatest_length_can_sign_in_and_be_kept_out(client: Client, path: str) -> None:
    User.objects.create_user("a" * 150, password=PASSWORD, is_staff=True)
    assert try_to_sign_in(Client(), PASSWORD, username="a" * 150, path=path).status_code == 302
    assert fail(client, 5, username="a" * 150, path=path) == 429
    assert Entry.objects.get(action=Action.LOCKED_OUT).subject == "a" * 119 + "…"


@pytest.mark.parametrize("address", ["", "unix:", "not an address"])
def test_a_client_without_an_address_can_sign_in_and_be_kept_out(client: Client, ada: User, address: str) -> None:
    assert try_to_sign_in(client, PASSWORD, address=address).status_code == 302
    assert fail(client, 5, address=address) == 429


def test_a_burst_of_guesses_gains_nothing(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    check = User.check_password

    def check_while_others_fail(user: User, password: str) -> bool:
        monkeypatch.setattr(User, "check_password", check)
        assert fail(Client(), 5) == 429
        return check(user, password)

    monkeypatch.setattr(User, "check_password", check_while_others_fail)
    assert try_to_sign_in(client, PASSWORD).status_code == 429
    assert "_auth_user_id" not in client.session


def test_a_lockout_holds_in_every_process(site: StartSite) -> None:
    a_site = site(processes=2)
    statuses = []
    for number in range(6):
        with a_site.client(process=number % 2) as client:
            token = client.get(SIGN_IN).cookies["csrftoken"]
            fields = {"username": "reader", "password": f"wrong {number}", "csrfmiddlewaretoken": token}
            # A forged address, on a site that no proxy stands in front of.
            answer = client.post(SIGN_IN, data=fields, headers={"X-Forwarded-For": f"198.51.100.{number}"})
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 200, 200, 429, 429]
