"""Write down who did what, and forget it when it is old."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from apps.audit import actor
from apps.audit.actor import Actor
from apps.audit.models import MAX_DETAIL_LENGTH, MAX_NAME_LENGTH, MAX_SUBJECT_LENGTH, Action, Entry

_PRUNE_EVERY = 100  # entries
# The table without EntryQuerySet, which takes nothing away.
_rows: models.QuerySet[Entry] = models.QuerySet(Entry)


def record(action: Action, *, subject: str = "", detail: str = "", by: Actor | None = None) -> Entry:
    """Write an entry, in the caller's transaction: it is there if what it tells of is, and not otherwise.

    Args:
        action: what was done.
        subject: what it was done to, such as `notification:7`; cut to MAX_SUBJECT_LENGTH.
        detail: the rest, for people; cut to MAX_DETAIL_LENGTH.
        by: who did it; None: who is acting, see `actor`.
    """
    who = by or actor.current()
    written = Entry(
        action=action,
        via=who.via,
        user_id=who.user_id,
        name=who.name[:MAX_NAME_LENGTH],
        key=who.key[:MAX_NAME_LENGTH],
        address=who.address,
        subject=_cut(subject, MAX_SUBJECT_LENGTH),
        detail=_cut(detail, MAX_DETAIL_LENGTH).replace("\0", ""),
    )
    written.save(force_insert=True)
    if written.pk % _PRUNE_EVERY == 0:
        # No clockwork: what is written takes away what is too old. If that fails, the next hundredth tries again.
        transaction.on_commit(prune, robust=True)
    return written


def prune(now: datetime | None = None) -> int:
    """Delete what is older than AUDIT_KEEP_DAYS, and return how many entries that were."""
    oldest = (now or timezone.now()) - timedelta(days=settings.AUDIT_KEEP_DAYS)
    deleted, _ = _rows.filter(at__lt=oldest).delete()
    return deleted


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
