"""The tables of the log. Only `log.py` reads and writes them."""

from django.db import models


class Topic(models.Model):
    """A named stream of events. Its row is the lock that puts appends in commit order."""

    name = models.CharField(primary_key=True, max_length=99)
    # The seq of the newest event (0: none yet).
    head = models.BigIntegerField(default=0)
    # The seq of the last pruned event (0: none). Kept events are those in (low_water, head].
    low_water = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """An immutable row of the log."""

    pk = models.CompositePrimaryKey("topic", "seq")
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, db_column="topic", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=64)
    # JSON as text, not JSONField: PostgreSQL's jsonb refuses U+0000 and reorders members, and readers want the
    # text itself, so that an event is the same bytes on every door.
    data = models.TextField()
    time = models.DateTimeField()
    # A publisher's own name for the event, so that a retry is not a second event.
    key = models.CharField(max_length=200, null=True)  # noqa: DJ001  (null: any number of events without one)
    # What the event is about ("notification:41"), so that a recall can blank what was said about it before.
    subject = models.CharField(max_length=100, default="")
    # Whether this event blanked the earlier ones about its subject: windows in memory follow it.
    blanks_earlier = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "key"], name="event_key_once_per_topic")]
        indexes = [
            models.Index(fields=["topic", "subject"], name="event_by_subject", condition=~models.Q(subject="")),
            models.Index(fields=["topic", "time"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id}:{self.seq} {self.type}"


class LogEpoch(models.Model):
    """The one row that names this log's history; a restored backup gets another name."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.CharField(max_length=32)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="only_one_epoch")]

    def __str__(self) -> str:
        return self.value
