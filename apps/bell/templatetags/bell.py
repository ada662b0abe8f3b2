"""The bell, for every page: it needs nothing from the view and no database, so error pages have it too."""

from django import template

from apps.bell.texts import BELL_TEXTS

register = template.Library()


@register.inclusion_tag("bell/_bell.html")
def bell() -> dict[str, object]:
    """Render the bell and its list, empty: what they hold is known to the browser alone."""
    return {"texts": BELL_TEXTS}


@register.inclusion_tag("bell/_toasts.html")
def toasts() -> dict[str, object]:
    """Render the place for toasts, empty."""
    return {}
