"""A notification's level and time, as its events carry them, in the words of the page's language."""

from datetime import datetime

from django import template
from django.utils.formats import date_format
from django.utils.timezone import localtime

from apps.notifications.models import Level

register = template.Library()


@register.filter
def level_label(level: str | None) -> str:
    """Return what people call a level; "" for none, as in the empty row that scripts fill."""
    return str(Level(level).label) if level else ""


@register.filter
def wire_datetime(time: str | None) -> str:
    """Return an event's time, ISO 8601 in UTC, as people write it in the site's time zone; "" for none."""
    return date_format(localtime(datetime.fromisoformat(time)), "DATETIME_FORMAT") if time else ""
