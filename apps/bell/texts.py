"""The words that the bell's scripts say; they reach them as JSON in the page, translated."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.notifications.models import Level

BELL_TEXTS: dict[str, Promise | str] = {
    **{level.value: level.label for level in Level},
    # Spoken to those who don't see the toast.
    "posted": _("New notification, {level}: {title}"),
    "manyPosted": _("{count} new notifications"),
    "more": _("{count} more in the list"),
    "unreadOne": _("1 unread"),
    "unreadMany": _("{count} unread"),
    "live": _("Up to date"),
    "connecting": _("Connecting …"),
    "waiting": _("Not connected; it goes on by itself"),
    "closed": _("Not connected; it goes on by itself"),
    "refused": _("Refused: {reason}"),
    # What carries the events, and why it is not the best one.
    "websocket": "WebSocket",
    "fetch_stream": _("Fetch stream"),
    "sse": "SSE",
    "long_poll": _("Long poll"),
    "short_poll": _("Short poll"),
    "over": _("Over {to}"),
    "changed_blocked": _("Over {to}: {from} does not get through here"),
    "changed_silent": _("Over {to}: {from} opens here and stays silent, as behind a proxy that collects answers"),
    "changed_cut": _("Over {to}: {from} is cut here again and again"),
    "changed_garbled": _("Over {to}: something else answers here in place of {from}"),
    "changed_unsupported": _("Over {to}: this browser has no {from}"),
    "desktopOn": _("Shown while none of this site’s tabs is in sight."),
    "desktopBlocked": _("Your browser blocks them. Allow notifications in its settings for this site."),
    "desktopUnsupported": _("This browser can’t show them for a page."),
}
