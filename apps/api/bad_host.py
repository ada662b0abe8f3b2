"""What a client reads that asks for a host name which is not the site's."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from apps.api.problems import problem
from apps.transports.refusal import bad_request


def bad_request_at(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what no view is asked for: at the API with a problem, elsewhere with the page (`handler400`)."""
    if isinstance(exception, DisallowedHost) and request.path.startswith("/api/"):
        # Not the name that came: in a cache on the way it would be whatever somebody liked to send.
        return problem(
            bad_request(
                "bad_host",
                "the API does not answer under this host name",
                "use the site's own, or add it to ALLOWED_HOSTS",
            )
        )
    return defaults.bad_request(request, exception)
