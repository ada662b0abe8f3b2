"""What a client reads whose request came without a valid CSRF token."""

from django.http import HttpRequest, HttpResponse
from django.views import csrf as django_csrf

from apps.transports.refusal import Refusal, refused


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer in JSON who sent JSON, and everybody else with Django's page (settings.CSRF_FAILURE_VIEW)."""
    if request.content_type != "application/json":
        return django_csrf.csrf_failure(request, reason=reason)
    return refused(
        Refusal(
            403,
            "csrf_failed",
            reason.rstrip("."),
            "send the value of the cookie csrftoken in the header X-CSRFToken, from a page of this site",
        )
    )
