"""ADMIN_ADDRESSES: from where the admin may be used."""

from ipaddress import ip_network

import httpx
import pytest
from django.test import Client

from tests.conftest import StartSite

pytestmark = pytest.mark.django_db

INSIDE = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"), ip_network("192.0.2.7")]


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "192.0.2.7"])
def test_the_admin_is_open_to_these_networks(client: Client, settings, address: str) -> None:
    settings.ADMIN_ADDRESSES = INSIDE
    assert client.get("/admin/login/", REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize("address", ["11.0.0.1", "192.0.2.8", "2001:db9::1", "", "unix:"])
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/no/such/page/", "/admin/live/", "/%61dmin/"])
def test_and_to_nobody_else(client: Client, settings, address: str, path: str) -> None:
    settings.ADMIN_ADDRESSES = INSIDE
    # What a client says of its own address is not looked at.
    claims = {"X-Forwarded-For": "10.1.2.3", "X-Real-IP": "10.1.2.3", "Forwarded": "for=10.1.2.3"}
    assert client.get(path, REMOTE_ADDR=address, headers=claims).status_code == 403


def test_the_rest_of_the_site_is_open_to_all(client: Client, settings) -> None:
    settings.ADMIN_ADDRESSES = INSIDE
    assert client.get("/account/sign-in/", REMOTE_ADDR="11.0.0.1").status_code == 200


def test_the_live_stream_belongs_to_the_admin(site: StartSite) -> None:
    a_site = site(env={"ADMIN_ADDRESSES": "10.0.0.0/8"})
    with a_site.client(a_site.admin) as staff:
        answer: httpx.Response = staff.get("/admin/live/stream")
        assert (answer.status_code, answer.json()["error"]["message"]) == (403, "the admin is not open to your address")
        assert staff.get("/admin/").status_code == 403
