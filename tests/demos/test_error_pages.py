"""What people see when something went wrong."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import translation
from django.views import defaults
from django.views.csrf import csrf_failure

from tests.demos.markup import Markup

LANGUAGES = {"en": "To the front page", "zh-hans": "回到首页"}


@pytest.fixture
def request_for(rf: RequestFactory) -> HttpRequest:
    return rf.get("/some/page")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_has_a_page_that_leads_home(request_for: HttpRequest, language: str) -> None:
    with translation.override(language):
        responses = {
            400: defaults.bad_request(request_for, ValueError()),
            403: defaults.permission_denied(request_for, PermissionDenied()),
            404: defaults.page_not_found(request_for, ValueError()),
            500: defaults.server_error(request_for),
        }
        forged = csrf_failure(request_for)
    assert forged.status_code == 403
    for status, response in [*responses.items(), (403, forged)]:
        assert response.status_code == status
        markup = Markup(response.content.decode())
        assert markup.mistakes == []
        assert len(markup.all("h1")) == 1
        assert str(status) in markup.text
        assert LANGUAGES[language] in markup.text


def test_server_error_page_needs_no_database(request_for: HttpRequest) -> None:
    # Without the django_db mark any query fails the test.
    with translation.override("en"):
        assert "Something broke on our side" in defaults.server_error(request_for).content.decode()


@pytest.mark.django_db
def test_unknown_address_is_named_and_escaped(client: Client) -> None:
    response = client.get("/nowhere/<b>")
    assert response.status_code == 404
    markup = Markup(response.content.decode())
    assert "/nowhere/<b>" in markup.text
    assert markup.all("b") == []
