"""Whom a notification is for, and over which topics it reaches them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.access.families import group_topic, personal_topic
from apps.access.identity import Identity
from apps.events.cursor import MAX_TOPICS

EVERYONE_TOPIC = "notifications"
# Each chosen person is an event of their own, in one transaction: for more, make a group.
MAX_PEOPLE = 200


class Kind(models.TextChoices):
    """How an audience is named."""

    EVERYONE = "everyone", _("Everyone")
    GROUPS = "groups", _("Groups")
    PEOPLE = "people", _("Chosen people")


@dataclass(frozen=True)
class Audience:
    """Whom a notification is for.

    Args:
        kind: which of the others counts.
        groups: for Kind.GROUPS: their members, whoever that is when they look.
        people: for Kind.PEOPLE: at most MAX_PEOPLE users.
    """

    kind: Kind = Kind.EVERYONE
    groups: tuple[Group, ...] = ()
    people: tuple[Any, ...] = ()

    @classmethod
    def of_groups(cls, *groups: Group) -> "Audience":
        return cls(Kind.GROUPS, groups=groups)

    @classmethod
    def of_people(cls, *people: Any) -> "Audience":
        return cls(Kind.PEOPLE, people=people)

    @property
    def topics(self) -> list[str]:
        """The topics that reach it, sorted: one for everyone, one a group, one a person."""
        match self.kind:
            case Kind.GROUPS:
                return sorted({group_topic(group.name) for group in self.groups})
            case Kind.PEOPLE:
                return sorted({personal_topic(user.pk) for user in self.people})
            case _:
                return [EVERYONE_TOPIC]

    @property
    def fault(self) -> str:
        """What is wrong with it, in words for an editor; empty: nothing."""
        if self.kind == Kind.GROUPS and not self.groups:
            return str(_("Choose at least one group."))
        if self.kind == Kind.PEOPLE and not self.people:
            return str(_("Choose at least one person."))
        if len(self.people) > MAX_PEOPLE:
            return str(_("At most {most} people can be chosen. Make a group of them.")).format(most=MAX_PEOPLE)
        return ""


EVERYONE = Audience()


def size(kind: str, groups: Iterable[Any] = (), people: Iterable[Any] = ()) -> int:
    """Return how many active users an audience has, each counted once; for everyone, visitors come on top.

    Args:
        groups, people: primary keys.
    """
    users = get_user_model()._default_manager.filter(is_active=True)
    if kind == Kind.GROUPS:
        users = users.filter(groups__in=list(groups)).distinct()
    elif kind == Kind.PEOPLE:
        users = users.filter(pk__in=list(people))
    return users.count()


def topics_of(identity: Identity) -> list[str]:
    """Return the topics over which notifications reach somebody: at most as many as one subscription takes."""
    topics = [EVERYONE_TOPIC]
    if identity.user_id is not None:
        topics.append(personal_topic(identity.user_id))
    topics += sorted(group_topic(name) for name in identity.groups)
    return topics[:MAX_TOPICS]


def reached(identity: Identity) -> models.Q:
    """Return the condition on notifications that they are for `identity`."""
    condition = models.Q(audience=Kind.EVERYONE)
    if identity.user_id is not None:
        condition |= models.Q(audience=Kind.PEOPLE, people=identity.user_id)
        condition |= models.Q(audience=Kind.GROUPS, groups__name__in=identity.groups)
    return condition


def shared(topics: Sequence[str], own: Sequence[str]) -> list[str]:
    """Return those of an audience's `topics` that are among a reader's `own`: the others are none of their business."""
    return [topic for topic in topics if topic in own]
