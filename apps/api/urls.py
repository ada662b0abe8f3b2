"""The addresses of the API. Its document and its pages need neither a deadline nor a credential."""

from django.urls import URLPattern, path

from apps.api import pages
from apps.api.answering import in_time, nowhere
from apps.api.document import api

app_name = "api"

_patterns, _, _ = api.urls

urlpatterns = [
    path("docs", pages.docs, name="docs"),
    path("problems/", pages.problems, name="problems"),
    *[
        pattern if pattern.name in ("openapi-json", "api-root") else in_time(pattern)
        for pattern in _patterns
        if isinstance(pattern, URLPattern)
    ],
    *[
        path(address, nowhere)
        for room in ("topics", "notifications", "tokens")
        for address in (room, f"{room}/", f"{room}/<path:rest>")
    ],
]
