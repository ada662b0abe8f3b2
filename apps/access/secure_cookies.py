"""Over TLS every cookie is Secure.

SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE decide it once for all requests, and a site that is tried out on plain HTTP
could not be signed in to any more.
"""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class SecureCookies(MiddlewareMixin):
    """Mark the cookies of a response as Secure (RFC 6265 section 4.1.2.5) where its request came over TLS."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response
