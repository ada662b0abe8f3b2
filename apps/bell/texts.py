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
    "desktopOn": _("Shown while none of this site’s tabs is in sight."),
    "desktopBlocked": _("Your browser blocks them. Allow notifications in its settings for this site."),
    "desktopUnsupported": _("This browser can’t show them for a page."),
}
