"""Post, edit, recall: the row and the event that tells of it, in one transaction.

Everything that changes a notification comes through here: the admin, the command, `save` and `delete` in code. So no
page is told of what was rolled back, and nothing changes that no page is told of.
"""

from collections.abc import Iterable

from django.db import models, transaction

from apps.events import log
from apps.events.log import NewEvent
from apps.events.logged_event import LoggedEvent
from apps.notifications.models import Notification

TOPIC = "notifications"
POSTED, EDITED, RECALLED = "notification.posted", "notification.edited", "notification.recalled"
CONTENT = ("title", "message", "level", "link")  # what an edit can change

_RECALL_CHUNK = 500  # SQLite takes a limited number of parameters in a query

# The table without NotificationQuerySet, whose `delete` comes here.
_rows: models.QuerySet[Notification] = models.QuerySet(Notification)


def post(notification: Notification, *, key: str | None = None) -> LoggedEvent:
    """Save a new notification and append `notification.posted`.

    Args:
        notification: not saved yet; stripped and validated here.
        key: the caller's own name for this post, 1 to 200 printable characters; a retry with the same key posts
            nothing. Remembered as long as the log keeps the event.

    Returns:
        The event. Where its `repeated` is set, the key was known, nothing was written, and `notification` is now the
        one that was posted first, without a primary key if that was recalled meanwhile.

    Raises:
        ValidationError: a field is not as it should be.
        log.EventRejected: the key is not as it should be.
    """
    _clean(notification)
    with transaction.atomic():
        models.Model.save(notification, force_insert=True)
        event = log.append(TOPIC, POSTED, notification.as_data(), key=key, subject=notification.subject)
        if event.repeated:
            _rows.filter(pk=notification.pk).delete()
            notification.pk = int(event.subject.partition(":")[2])
            if _rows.filter(pk=notification.pk).exists():
                notification.refresh_from_db()
            else:
                notification.pk = None
    return event


def edit(notification: Notification) -> LoggedEvent | None:
    """Save the content of a posted notification and append `notification.edited`.

    Returns:
        The event, or None where the content is what it was: a form that is sent twice is one edit.

    Raises:
        ValidationError: a field is not as it should be.
        Notification.DoesNotExist: it was recalled meanwhile.
    """
    _clean(notification)
    with transaction.atomic():
        posted = _rows.select_for_update().get(pk=notification.pk)
        changed = [name for name in CONTENT if getattr(posted, name) != getattr(notification, name)]
        if not changed:
            return None
        for name in changed:
            setattr(posted, name, getattr(notification, name))
        models.Model.save(posted, update_fields=changed)
        return log.append(TOPIC, EDITED, posted.as_data(), subject=posted.subject)


def recall(notifications: Iterable[Notification]) -> list[LoggedEvent]:
    """Delete notifications, append `notification.recalled` for each, and blank what the log said of them before.

    Returns:
        One event for each that was there, in the order they were posted; all are appended or none.
    """
    pks = sorted({notification.pk for notification in notifications})
    events: list[LoggedEvent] = []
    with transaction.atomic():
        for start in range(0, len(pks), _RECALL_CHUNK):
            rows = _rows.filter(pk__in=pks[start : start + _RECALL_CHUNK])
            # Locked before the topic, as in `edit`: two that lock in different orders wait for each other for ever.
            posted = list(rows.select_for_update().order_by("pk"))
            events += log.append_many(
                NewEvent(TOPIC, RECALLED, {"id": one.pk}, subject=one.subject, blank_earlier=True) for one in posted
            )
            rows.delete()
    return events


def _clean(notification: Notification) -> None:
    notification.title = notification.title.strip()
    notification.message = notification.message.strip()
    notification.link = notification.link.strip()
    # The only constraint repeats the choices of `level`.
    notification.full_clean(validate_constraints=False)
