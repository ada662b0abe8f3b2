"""Tell every process that somebody's rights may have changed.

A move is an event of the topic MOVES, which no family matches and no door opens. It names a user, or nobody, and never
what changed: who hears it looks the truth up (`revocation`). Being an event it needs Redis to be fast, and nothing to
arrive.
"""

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from apps.access.remembered import remembered
from apps.events import log

logger = logging.getLogger(__name__)

MOVES = "access.moves"
MOVED = "identity.moved"
_HARMLESS = {"last_login"}  # written with every sign-in


def tell(user_id: object = None) -> None:
    """Have every process look again, once the current transaction has committed.

    Args:
        user_id: whose rights may have changed; None: anybody's.
    """
    data = {"user": None if user_id is None else str(user_id)}
    # After the commit and not with it: the topic is locked until its transaction ends, and whoever saves a user in the
    # middle of a long one would hold up everybody else's sign-out. If this append fails, the round finds the change.
    transaction.on_commit(lambda: _append(data), robust=True)


def _append(data: dict[str, str | None]) -> None:
    # This process knows at once, even where the append has to wait or fails.
    remembered.forget(data["user"])
    log.append(MOVES, MOVED, data)


def connect() -> None:
    """Listen to what Django says of users, groups and sessions."""
    user_model = get_user_model()
    post_save.connect(_user_saved, user_model)
    post_delete.connect(_user_deleted, user_model)
    post_save.connect(_group_saved, Group)
    post_delete.connect(_group_deleted, Group)
    m2m_changed.connect(_group_permissions_changed, Group.permissions.through)
    for name in ("groups", "user_permissions"):
        if field := getattr(user_model, name, None):  # a project's own user model may have none
            m2m_changed.connect(_membership_changed, field.through)
    user_logged_out.connect(_signed_out)


def _user_saved(instance: Any, created: bool, update_fields: Any = None, **_: Any) -> None:
    if not created and not (update_fields and set(update_fields) <= _HARMLESS):
        tell(instance.pk)


def _user_deleted(instance: Any, **_: Any) -> None:
    tell(instance.pk)


def _group_saved(instance: Any, created: bool, **_: Any) -> None:
    if not created:
        tell()


def _group_deleted(**_: Any) -> None:
    tell()


def _group_permissions_changed(action: str, **_: Any) -> None:
    if action.startswith("post_"):
        tell()


def _membership_changed(instance: Any, action: str, reverse: bool, pk_set: set | None, **_: Any) -> None:
    if not action.startswith("post_"):
        return
    if not reverse:
        tell(instance.pk)
    elif pk_set is None:  # the group was emptied: nobody says of whom
        tell()
    else:
        for user_id in pk_set:
            tell(user_id)


def _signed_out(request: Any, user: Any, **_: Any) -> None:
    if user is None or not hasattr(request, "session"):
        return
    # Django sends this signal before it deletes the session, and who looks now would find it alive.
    request.session.delete()
    tell(user.pk)
