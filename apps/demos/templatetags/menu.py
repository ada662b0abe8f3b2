"""The menu, for every page: it needs nothing from the view, so error pages have it too."""

from typing import Any

from django import template

from apps.demos.explained import TRANSPORTS

register = template.Library()


@register.inclusion_tag("demos/_menu.html", takes_context=True)
def menu(context: template.Context) -> dict[str, Any]:
    """Render the menu, with the current page marked where there is a request (a 500 page has none)."""
    request = context.get("request")
    return {"transports": TRANSPORTS, "path": request.path if request else None}
