"""The way to one's account, for every page: it needs nothing from the view, so error pages have it too."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.db import Error as DatabaseFailure
from django.urls import reverse
from django.utils.translation import gettext as _

register = template.Library()


@register.inclusion_tag("accounts/_entry.html", takes_context=True)
def account(context: template.Context) -> dict[str, str]:
    """Render the way to one's account or, for who is not signed in, to the page where one signs in and back."""
    request = context.get("request")  # a 500 page has none
    name = _name(request)
    if name:
        return {"name": name, "address": reverse("accounts:account"), "label": _("Your account: {}").format(name)}
    way_back = _way_back(request)
    query = f"?{urlencode({'next': way_back})}" if way_back else ""
    return {"name": "", "address": reverse("accounts:sign_in") + query, "label": _("Sign in")}


def _name(request: Any) -> str:
    user = getattr(request, "user", None)
    try:
        return user.get_username() if user is not None and user.is_authenticated else ""
    except DatabaseFailure:
        return ""  # the page that says so must not fail over it


def _way_back(request: Any) -> str:
    """Return where to go after signing in: the page one is on, unless that is about signing in itself."""
    match = getattr(request, "resolver_match", None)
    if match is None or match.app_name == "accounts" or request.method != "GET":
        return ""
    return request.get_full_path()
