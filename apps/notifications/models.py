"""What an editor posts. Its rows and its events change together: see `publishing`."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.events.logged_event import wire_time
from apps.notifications.audience import Audience, Kind
from apps.notifications.lines_field import LinesField
from apps.notifications.validators import validate_lines, validate_link, validate_one_line

# Together they fit one event (16 KiB) whatever they are made of: a character is at most 4 bytes of JSON.
MAX_TITLE_LENGTH = 200
MAX_MESSAGE_LENGTH = 3_000
MAX_LINK_LENGTH = 500
# What its events are about begins with this.
SUBJECT = "notification"


class Level(models.TextChoices):
    """How much a notification matters."""

    INFO = "info", _("Info")
    SUCCESS = "success", _("Success")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Notifications that can't vanish without a word to the pages that show them."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Recall every notification in here; see `publishing.recall`."""
        from apps.notifications import publishing  # it imports this module

        recalled = len(publishing.recall(self))
        return recalled, {self.model._meta.label: recalled}

    delete.alters_data = True  # type: ignore[attr-defined]  # a template can't call it
    delete.queryset_only = True  # type: ignore[attr-defined]  # not a method of the manager: that deletes everything


class Notification(models.Model):
    """A short text for those who have a page open, and for those who open one later: everybody, or an audience.

    `save` posts and edits, `delete` recalls, on an instance or a queryset. What Django documents as going past
    these (`update`, `bulk_create`, `bulk_update`) reaches no page.
    """

    title = models.CharField(
        _("title"),
        max_length=MAX_TITLE_LENGTH,
        validators=[validate_one_line],
        help_text=_("One line, the first thing people read. Say what happens, and when."),
    )
    message = LinesField(
        _("message"),
        max_length=MAX_MESSAGE_LENGTH,
        blank=True,
        validators=[validate_lines],
        help_text=_("Plain text, shown as typed with its line breaks. Leave it empty if the title says it all."),
    )
    level = models.CharField(_("level"), max_length=8, choices=Level.choices, default=Level.INFO)
    link = models.CharField(
        _("link"),
        max_length=MAX_LINK_LENGTH,
        blank=True,
        validators=[validate_link],
        help_text=_("Where to read more: https://… or a page of this site, such as /guide/. Optional."),
    )
    audience = models.CharField(_("for"), max_length=8, choices=Kind.choices, default=Kind.EVERYONE)
    groups = models.ManyToManyField("auth.Group", blank=True, related_name="+", verbose_name=_("groups"))
    people = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+", verbose_name=_("chosen people")
    )
    posted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("posted by"),
    )
    posted_at = models.DateTimeField(_("posted at"), default=timezone.now, editable=False, db_index=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-posted_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(level__in=Level.values), name="notification_level_is_known"),
            models.CheckConstraint(condition=models.Q(audience__in=Kind.values), name="notification_audience_is_known"),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **options: Any) -> None:
        """Post this notification, or edit it if it was posted: see `publishing`.

        The options of `Model.save` are not needed and change nothing: an edit always writes the whole content.
        """
        from apps.notifications import publishing  # it imports this module

        if self._state.adding:
            publishing.post(self)
        else:
            publishing.edit(self)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Recall this notification: see `publishing`."""
        deleted = type(self).objects.filter(pk=self.pk).delete()
        self.pk = None  # as Django's own delete does
        return deleted

    @property
    def subject(self) -> str:
        """What its events are about, in the log's words."""
        return f"{SUBJECT}:{self.pk}"

    @property
    def reaches(self) -> Audience:
        """Whom it is for, as the database has it."""
        kind = Kind(self.audience)
        return Audience(
            kind,
            tuple(self.groups.all()) if kind is Kind.GROUPS else (),
            tuple(self.people.all()) if kind is Kind.PEOPLE else (),
        )

    @property
    def author(self) -> str:
        """What readers see of who posted: the full name, else the user name; "" for a program, or a deleted user."""
        return self.posted_by.get_full_name() or self.posted_by.get_username() if self.posted_by else ""

    def as_data(self) -> dict[str, Any]:
        """Return the data of its events, which is also how a page's first render shows it. See PROTOCOL.md."""
        return {
            "id": self.pk,
            "title": self.title,
            "message": self.message,
            "level": self.level,
            "link": self.link,
            "posted_by": self.author,
            "posted_at": wire_time(self.posted_at),
        }
