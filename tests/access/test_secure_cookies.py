"""Cookies over TLS and over plain HTTP."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("secure", [True, False])
def test_cookies_are_secure_where_the_request_was(client, secure):
    response = client.get("/admin/login/", secure=secure)
    assert bool(response.cookies["csrftoken"]["secure"]) is secure
