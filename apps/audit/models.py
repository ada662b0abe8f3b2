"""What was done, by whom, when and from where. Written once; see `trail`."""

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_NAME_LENGTH = 150
MAX_SUBJECT_LENGTH = 120
MAX_DETAIL_LENGTH = 500


class Action(models.TextChoices):
    """What an entry tells of."""

    NOTIFICATION_POSTED = "notification.posted", _("notification posted")
    NOTIFICATION_EDITED = "notification.edited", _("notification edited")
    NOTIFICATION_RECALLED = "notification.recalled", _("notification recalled")
    EVENT_PUBLISHED = "event.published", _("event published")
    KEY_MADE = "api_key.made", _("API key made")
    KEY_CHANGED = "api_key.changed", _("API key changed")
    KEY_REVOKED = "api_key.revoked", _("API key revoked")
    KEY_DELETED = "api_key.deleted", _("API key deleted")
    TOKEN_MADE = "token.made", _("token made")
    SIGNED_IN = "account.signed_in", _("signed in")
    SIGNED_OUT = "account.signed_out", _("signed out")
    LOCKED_OUT = "account.locked_out", _("locked out")
    PASSWORD_CHANGED = "account.password_changed", _("password changed")
    PASSWORD_RESET = "account.password_reset", _("password reset")


class Via(models.TextChoices):
    """The way somebody came."""

    ADMIN = "admin", _("the admin")
    PAGE = "page", _("a page")
    API = "api", _("the API")
    COMMAND = "command", _("a command")
    CODE = "code", _("code")


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries that can be read."""

    def update(self, **values: Any) -> NoReturn:
        raise TypeError("an audit entry is written once; record another one instead of updating it")

    def delete(self) -> NoReturn:
        raise TypeError("audit entries go with age alone: see trail.prune")

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class Entry(models.Model):
    """One thing that was done.

    Plain values instead of references: who did it, and to what, is still there when the user and the thing are not.
    """

    at = models.DateTimeField(_("at"), default=timezone.now, editable=False, db_index=True)
    action = models.CharField(_("action"), max_length=40, choices=Action.choices, db_index=True)
    name = models.CharField(_("who"), max_length=MAX_NAME_LENGTH, blank=True)
    user_id = models.CharField(_("user"), max_length=40, blank=True)
    via = models.CharField(_("via"), max_length=10, choices=Via.choices)
    key = models.CharField(_("API key"), max_length=MAX_NAME_LENGTH, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    subject = models.CharField(_("subject"), max_length=MAX_SUBJECT_LENGTH, blank=True, db_index=True)
    detail = models.CharField(_("detail"), max_length=MAX_DETAIL_LENGTH, blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-at", "-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.subject or self.name}"

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise TypeError("an audit entry is written once; record another one instead of changing it")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise TypeError("audit entries go with age alone: see trail.prune")
