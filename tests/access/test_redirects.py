"""What a page of another site gets by leading a reader here: no way on to elsewhere, and no frame around a page."""

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "http:evil.example",
    "javascript:alert(1)",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "\thttps://evil.example/",
    "/%09/evil.example/",
]


@pytest.mark.parametrize("next_url", ELSEWHERE)
def test_the_switch_of_languages_leads_back_to_pages_of_this_site_only(next_url: str) -> None:
    response = Client().post(reverse("set_language"), {"language": "zh-hans", "next": next_url})
    assert response.status_code == 302
    assert response["Location"] in ("/", "/%09/evil.example/")


def test_the_switch_of_languages_does_not_go_by_a_foreign_referer() -> None:
    headers = {"Referer": "https://evil.example/"}
    response = Client().post(reverse("set_language"), {"language": "zh-hans"}, headers=headers)
    assert response["Location"] == "/"


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/lab/", "/nowhere/"])
def test_no_page_can_be_framed_or_take_in_code(path: str) -> None:
    response = Client().get(path)
    policy = response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
