"""Keys with which other services publish."""

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from apps.access.topic_patterns import validate_patterns
from apps.audit import trail
from apps.audit.models import Action

# `rt_`, the prefix that finds the row, the secret. Programs that look for leaked secrets need such a beginning.
_KEY = re.compile(r"rt_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
# A key that publishes a hundred times a second writes its last use once a minute.
LAST_USE_PRECISION = timedelta(minutes=1)


class IssuedKey(NamedTuple):
    """A new key, and its text, which nobody can tell again."""

    api_key: "ApiKey"
    text: str


class ApiKey(models.Model):
    """What a service publishes with: in the name of its owner, and only to some topics.

    Of the secret there is only a hash. SHA-256 is enough of one: nobody guesses 256 random bits, however fast they try.
    """

    name = models.CharField(_("name"), max_length=100, help_text=_("Which service has it, and where."))
    topics = models.TextField(
        _("topics"),
        max_length=2_000,
        validators=[validate_patterns],
        help_text=_("Where it may publish, apart by spaces: lab.deploys, or lab.* for all that begin with lab."),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        editable=False,
        related_name="+",
        verbose_name=_("owner"),
    )
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    def issue(self) -> IssuedKey:
        """Save this new key with a fresh secret; the only moment in which its text is known.

        Raises:
            ValidationError: a field is not as it should be.
        """
        self.prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        self.secret_hash = _hash(secret)
        self.full_clean()
        with transaction.atomic():
            self.save(force_insert=True)
            trail.record(Action.KEY_MADE, subject=self.subject, detail=f"{self} → {self.topics}")
        return IssuedKey(self, f"rt_{self.prefix}_{secret}")

    @property
    def subject(self) -> str:
        """What the audit trail calls it."""
        return f"api_key:{self.prefix}"

    def note_use(self) -> None:
        """Write down that it is being used, to the minute."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at >= LAST_USE_PRECISION:
            stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USE_PRECISION)
            ApiKey.objects.filter(stale, pk=self.pk).update(last_used_at=now)


@receiver(post_delete, sender=ApiKey)
def _deleted(instance: ApiKey, **_: Any) -> None:
    # A signal, since keys also go with their owner.
    trail.record(Action.KEY_DELETED, subject=instance.subject, detail=str(instance))


def find(text: str) -> ApiKey | None:
    """Return the key with this text, which may be revoked, or None. Runs a query."""
    shape = _KEY.fullmatch(text)
    if shape is None:
        return None
    prefix, secret = shape.groups()
    api_key = ApiKey.objects.select_related("owner").filter(prefix=prefix).first()
    return api_key if api_key is not None and constant_time_compare(api_key.secret_hash, _hash(secret)) else None


def topics_of_key(prefix: str) -> str | None:
    """Return what the key with this prefix reaches, or None if it counts no longer. Runs a query."""
    return ApiKey.objects.filter(prefix=prefix, revoked_at=None).values_list("topics", flat=True).first()


def used(prefix: str) -> str:
    """Note that the key with this prefix is being used, and return how people know it. Runs queries."""
    api_key = ApiKey.objects.filter(prefix=prefix).first()
    if api_key is None:  # deleted this moment
        return known_as("", prefix)
    api_key.note_use()
    return known_as(api_key.name, prefix)


def known_as(name: str, prefix: str) -> str:
    """Return how people know a key."""
    return f"{name} (rt_{prefix})".strip()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
