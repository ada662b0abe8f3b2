"""`GET /.well-known/security.txt` (RFC 9116): whom to tell of a weakness, where SECURITY_CONTACT names somebody."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

# The file is made anew for each request: as long as somebody runs the site, and no longer.
_VALID_FOR = timedelta(days=30)


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Answer with the contact; 404 where there is none, since a made-up one is worse."""
    if not settings.SECURITY_CONTACT:
        raise Http404
    expires = (timezone.now() + _VALID_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = (
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires}",
        "Preferred-Languages: en, zh",
        f"Canonical: {request.build_absolute_uri(request.path)}",
    )
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
