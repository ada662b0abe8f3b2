"""A notification's members, as its events carry them, made fit for a page."""

from datetime import datetime

from django import template
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.timezone import localtime

from apps.notifications.models import Level
from apps.notifications.validators import validate_link

register = template.Library()


@register.filter
def level_label(level: str | None) -> str:
    """Return what people call a level; "" for none, as in the empty row that scripts fill."""
    return str(Level(level).label) if level else ""


@register.filter
def wire_datetime(time: str | None) -> str:
    """Return an event's time, ISO 8601 in UTC, as people write it in the site's time zone; "" for none."""
    return date_format(localtime(datetime.fromisoformat(time)), "DATETIME_FORMAT") if time else ""


@register.filter
def safe_link(link: str | None) -> str:
    """Return a link that is safe to click, or "": a row that was written past its checks may hold any address."""
    try:
        validate_link(link or "")
    except ValidationError:
        return ""
    return link or ""
