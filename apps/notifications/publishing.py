"""Post, edit, recall: the row and the event that tells of it, in one transaction.

Everything that changes a notification comes through here: the admin, the command, `save` and `delete` in code. So no
page is told of what was rolled back, and nothing changes that no page is told of.
"""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import models, transaction

from apps.audit import trail
from apps.audit.models import Action
from apps.events import log
from apps.events.log import NewEvent
from apps.events.logged_event import LoggedEvent
from apps.notifications.audience import EVERYONE, Audience
from apps.notifications.models import SUBJECT, Notification

POSTED, EDITED, RECALLED = "notification.posted", "notification.edited", "notification.recalled"
CONTENT = ("title", "message", "level", "link")  # what an edit can change

_RECALL_CHUNK = 500  # SQLite takes a limited number of parameters in a query

# The table without NotificationQuerySet, whose `delete` comes here.
_rows: models.QuerySet[Notification] = models.QuerySet(Notification)


def post(notification: Notification, *, key: str | None = None, audience: Audience | None = None) -> LoggedEvent:
    """Save a new notification and append `notification.posted` to each topic of its audience.

    Args:
        notification: not saved yet; stripped and validated here.
        key: the caller's own name for this post, 1 to 200 printable characters; a retry with the same key and audience
            posts nothing. Remembered as long as the log keeps the event.
        audience: whom it is for; None: everyone.

    Returns:
        The event, of several the first topic's. Where its `repeated` is set, the key was known, nothing was written,
        and `notification` is now the one that was posted first, without a primary key if that was recalled meanwhile.

    Raises:
        ValidationError: a field or the audience is not as it should be.
        log.EventRejected: the key is not as it should be, or that of an event which is no notification's.
    """
    if audience is None:
        if notification.audience != EVERYONE.kind:
            # Its groups and people can't be known before it is saved, and a guess would tell everyone.
            raise ValidationError({"audience": "say whom it is for: publishing.post(notification, audience=…)"})
        audience = EVERYONE
    notification.audience = audience.kind
    _clean(notification, audience)
    try:
        with transaction.atomic():
            models.Model.save(notification, force_insert=True)
            _choose(notification, audience)
            data, subject = notification.as_data(), notification.subject
            trail.record(Action.NOTIFICATION_POSTED, subject=subject, detail=_told(notification, audience.topics))
            events = log.append_many(NewEvent(topic, POSTED, data, key, subject) for topic in audience.topics)
            if known := next((event for event in events if event.repeated), None):
                raise _Known(known)
            return events[0]
    except _Known as already:
        kind, _, pk = already.event.subject.partition(":")
        if kind != SUBJECT:
            raise log.EventRejected(
                f"the key {key!r} is that of another event, a {already.event.type!r}; use one of the notification's own"
            ) from None
        notification.pk = int(pk)
        if _rows.filter(pk=notification.pk).exists():
            notification.refresh_from_db()
        else:
            notification.pk = None
        return already.event


def edit(notification: Notification, *, audience: Audience | None = None) -> LoggedEvent | None:
    """Save the content of a posted notification, and tell its audience: `notification.edited`.

    Args:
        audience: another one from now on: who comes in gets `notification.posted`, who goes out
            `notification.recalled`, and the log forgets what they were told; None: the same as before.

    Returns:
        One of the events, or None where all is as it was: a form that is sent twice is one edit.

    Raises:
        ValidationError: a field or the audience is not as it should be.
        Notification.DoesNotExist: it was recalled meanwhile.
    """
    _clean(notification, audience)
    with transaction.atomic():
        posted = _rows.select_for_update().get(pk=notification.pk)
        changed = [name for name in CONTENT if getattr(posted, name) != getattr(notification, name)]
        before = posted.reaches.topics
        after = before if audience is None else audience.topics
        if not changed and before == after:
            return None
        for name in changed:
            setattr(posted, name, getattr(notification, name))
        if audience is not None:
            posted.audience = notification.audience = audience.kind
            _choose(posted, audience)
        models.Model.save(posted, update_fields=[*changed, "audience"])
        data, subject = posted.as_data(), posted.subject
        stays = [NewEvent(topic, EDITED, data, subject=subject) for topic in after if topic in before and changed]
        comes = [NewEvent(topic, POSTED, data, subject=subject) for topic in after if topic not in before]
        goes = [_recalled(topic, posted) for topic in before if topic not in after]
        trail.record(Action.NOTIFICATION_EDITED, subject=subject, detail=_told(posted, after))
        events = log.append_many([*stays, *comes, *goes])
        return events[0] if events else None


def recall(notifications: Iterable[Notification]) -> list[LoggedEvent]:
    """Delete notifications, append `notification.recalled` for each, and blank what the log said of them before.

    Returns:
        One event for each that was there, in the order they were posted; all are appended or none. One whose audience
        is gone with its groups is deleted without an event.
    """
    pks = sorted({notification.pk for notification in notifications})
    events: list[LoggedEvent] = []
    with transaction.atomic():
        for start in range(0, len(pks), _RECALL_CHUNK):
            rows = _rows.filter(pk__in=pks[start : start + _RECALL_CHUNK])
            # Locked before the topics, as in `edit`: two that lock in different orders wait for each other for ever.
            posted = list(rows.select_for_update().order_by("pk").prefetch_related("groups", "people"))
            reached = {one.pk: one.reaches.topics for one in posted}
            for one in posted:
                told = _told(one, reached[one.pk])
                trail.record(Action.NOTIFICATION_RECALLED, subject=one.subject, detail=told)
            news = [_recalled(topic, one) for one in posted for topic in reached[one.pk]]
            first = {event.subject: event for event in reversed(log.append_many(news))}
            events += [first[one.subject] for one in posted if one.subject in first]
            rows.delete()
    return events


class _Known(Exception):
    """The key was in the log already."""

    def __init__(self, event: LoggedEvent) -> None:
        super().__init__(event)
        self.event = event


def _recalled(topic: str, notification: Notification) -> NewEvent:
    return NewEvent(topic, RECALLED, {"id": notification.pk}, subject=notification.subject, blank_earlier=True)


def _told(notification: Notification, topics: list[str]) -> str:
    """Return what the audit trail says of a notification: how it begins, and whom it is for."""
    return f"“{notification.title}” → {', '.join(topics) or '–'}"


def _choose(notification: Notification, audience: Audience) -> None:
    # Both: an audience of another kind keeps nothing of the old one.
    notification.groups.set(audience.groups)
    notification.people.set(audience.people)


def _clean(notification: Notification, audience: Audience | None) -> None:
    notification.title = notification.title.strip()
    notification.message = notification.message.strip()
    notification.link = notification.link.strip()
    # The only constraints repeat the choices of `level` and `audience`.
    notification.full_clean(validate_constraints=False)
    if audience is not None and audience.fault:
        raise ValidationError({"audience": audience.fault})
