"""Who is asking, in the words that the rules of access need."""

import enum
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

User = AbstractBaseUser | AnonymousUser


class Right(enum.Enum):
    """What somebody may do with a topic. Each is asked for by itself."""

    READ = "read"  # get its events from now on, as they come
    HISTORY = "history"  # get those that came before
    PUBLISH = "publish"  # append to it through the publish API


@dataclass(frozen=True)
class Identity:
    """Somebody, as they were when they were looked up.

    Plain values, so that a rule decides without a query, in whatever thread or task it is asked.

    Args:
        user_id: the primary key of an active user, as text; None: nobody is signed in.
        username: what they sign in as; empty for nobody.
        groups: the names of their groups.
        permissions: `app.codename` of each permission they have, through a group or as a superuser too.
        expires_at: when the credential that they came with is worth nothing any more, in seconds since 1970; None: that
            is not known beforehand.
    """

    # What they are told whose credential is worth nothing any more.
    no_longer: ClassVar[str] = "you are no longer signed in"

    user_id: str | None = None
    username: str = ""
    is_staff: bool = False
    groups: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    expires_at: float | None = None

    @property
    def is_signed_in(self) -> bool:
        return self.user_id is not None

    @property
    def is_told_of(self) -> bool:
        """Whether a move tells of all that changes it (`moves`), as far as Django's signals do."""
        return True

    def has_permission(self, permission: str) -> bool:
        """Return whether they have `permission`, for example `auth.view_user`."""
        return permission in self.permissions

    def reaches(self, right: Right, topic: str) -> bool:
        """Return whether the credential they came with reaches this far; the rules of the topic's family come on top.

        A session reaches as far as its user. A narrower credential overrides this.
        """
        return True

    def reread(self) -> "Identity":
        """Return who the credential stands for by now: the same, with other rights, or nobody. Runs queries."""
        return self


ANONYMOUS = Identity()


@dataclass(frozen=True)
class Unproven(Identity):
    """Somebody who came with a token that does not count. Nobody, and to be told so: their cookies don't count either.

    Args:
        code: a short name for programs.
        message: what arrived and what was expected.
        hint: what to do next.
    """

    code: str = ""
    message: str = ""
    hint: str = ""


def identity_of(user: User) -> Identity:
    """Return the identity of a user such as `request.user`. Runs queries, unless nobody is signed in."""
    return Identity(**facts_of(user)) if user.is_authenticated and user.is_active else ANONYMOUS


def facts_of(user: User) -> dict[str, Any]:
    """Look up what the rules need to know of `user`, as the arguments of an Identity. Runs queries."""
    groups = getattr(user, "groups", None)  # a project's own user model may have none
    return {
        "user_id": str(user.pk),
        "username": user.get_username(),
        "is_staff": bool(getattr(user, "is_staff", False)),
        "groups": frozenset(groups.values_list("name", flat=True)) if groups is not None else frozenset(),
        "permissions": frozenset(user.get_all_permissions()) if hasattr(user, "get_all_permissions") else frozenset(),
    }
