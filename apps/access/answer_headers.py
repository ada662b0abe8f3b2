"""What every answer tells browsers, beside what Django's SecurityMiddleware and django-csp tell them on pages.

After the OWASP HTTP Headers and REST Security cheat sheets. Pages get theirs from a middleware; the lean handler, which
has none, puts fewer on the answers of the doors: they are data, and a poll that brings nothing should stay small.
"""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import has_vary_header
from django.utils.deprecation import MiddlewareMixin

# No page needs any of these, and no script that got in should have them.
_NOT_ASKED_FOR = (
    "accelerometer camera display-capture geolocation gyroscope hid magnetometer microphone midi payment "
    "screen-wake-lock serial usb xr-spatial-tracking"
)
ON_PAGES = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Other sites can't put a page or what it loads into theirs, to look at by what it does to their own.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _NOT_ASKED_FOR.split()),
}
ON_DATA = {
    "X-Content-Type-Options": "nosniff",
    # What is fetched with CORS (TOKEN_ORIGINS) is not concerned.
    "Cross-Origin-Resource-Policy": "same-origin",
    # Opened in a tab, an answer is text: whatever somebody published, nothing in it runs or is framed.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class AnswerHeaders(MiddlewareMixin):
    """Put ON_PAGES on every answer, and keep what was made for somebody out of caches."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # Static files are open to every origin, says WhiteNoise.
        if response.headers.get("Access-Control-Allow-Origin") == "*":
            response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
        with_headers(response, ON_PAGES)
        if settings.SESSION_COOKIE_NAME in request.COOKIES and has_vary_header(response, "Cookie"):
            # Or the back button shows, to whoever comes next, what was for who signed out.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


def with_headers(response: HttpResponseBase, headers: Mapping[str, str]) -> HttpResponseBase:
    """Return `response` with those of `headers` that it does not have."""
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response
