"""The bell, for every page: it needs nothing from the view, so error pages have it too."""

import json

from django import template
from django.db import Error as DatabaseFailure

from apps.access.identity import ANONYMOUS, Identity, identity_of
from apps.bell.texts import BELL_TEXTS
from apps.notifications.audience import topics_of

register = template.Library()


@register.inclusion_tag("bell/_bell.html", takes_context=True)
def bell(context: template.Context) -> dict[str, object]:
    """Render the bell and its list, empty: what they hold is known to the browser alone.

    The page says whose it is and over which topics notifications reach them; for who is not signed in that takes no
    query.
    """
    identity = _identity(context)
    return {"texts": BELL_TEXTS, "owner": identity.user_id or "", "topics": json.dumps(topics_of(identity))}


@register.inclusion_tag("bell/_toasts.html")
def toasts() -> dict[str, object]:
    """Render the place for toasts, empty."""
    return {}


def _identity(context: template.Context) -> Identity:
    user = getattr(context.get("request"), "user", None)  # a 500 page has no request
    try:
        return ANONYMOUS if user is None else identity_of(user)
    except DatabaseFailure:
        return ANONYMOUS  # the page that says so must not fail over it
