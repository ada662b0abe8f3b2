"""Tell the audit trail who came, who went, and who was kept out."""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from apps.audit import actor, trail
from apps.audit.models import Action


def connect() -> None:
    """Listen to what Django and django-axes say of sessions."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_locked_out.connect(_locked_out)


def _signed_in(request: HttpRequest, user: Any, **_: Any) -> None:
    trail.record(Action.SIGNED_IN, by=actor.of_request(request, user=user))


def _signed_out(request: HttpRequest, user: Any, **_: Any) -> None:
    if user is not None:
        trail.record(Action.SIGNED_OUT, by=actor.of_request(request, user=user))


def _locked_out(request: Any, username: str, **_: Any) -> None:
    # Once, when it begins: only an attempt that counts has been counted. Whoever goes on trying would fill the table.
    if request.axes_failures_since_start is not None:
        trail.record(Action.LOCKED_OUT, subject=username or "", by=actor.of_request(request))
