"""Families of topics: who may read them, who may write them. A project adds a family with one class here."""

from typing import Protocol

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from apps.events.topic_names import TOPIC_NAME

User = AbstractBaseUser | AnonymousUser


class Family(Protocol):
    """A kind of topic and its rules."""

    def matches(self, topic: str) -> bool:
        """Return whether `topic` (a well-formed name) belongs to this family."""

    def may_read(self, user: User, topic: str) -> bool:
        """Return whether `user` may subscribe to `topic` and read its history."""

    def may_publish(self, user: User, topic: str) -> bool:
        """Return whether `user` may append to `topic` through the publish API."""


def _is_staff(user: User) -> bool:
    return bool(user.is_active and getattr(user, "is_staff", False))


class PublicFamily:
    """Topics that everyone reads and staff writes.

    Chat lines are not published here: the chat room appends what people say to it.
    """

    def matches(self, topic: str) -> bool:
        return topic == "notifications" or topic.startswith(("chat.", "lab."))

    def may_read(self, user: User, topic: str) -> bool:
        return True

    def may_publish(self, user: User, topic: str) -> bool:
        return _is_staff(user)


class PersonalFamily:
    """`user.<id>`: that user reads, staff writes."""

    def matches(self, topic: str) -> bool:
        prefix, _, user_id = topic.partition(".")
        return prefix == "user" and user_id.isascii() and user_id.isdigit()

    def may_read(self, user: User, topic: str) -> bool:
        return bool(user.is_authenticated and user.is_active and topic == f"user.{user.pk}")

    def may_publish(self, user: User, topic: str) -> bool:
        return _is_staff(user)


FAMILIES: tuple[Family, ...] = (PublicFamily(), PersonalFamily())


def family_of(topic: str) -> Family | None:
    """Return the family that `topic` belongs to, or None: then there is no such topic."""
    if not TOPIC_NAME.fullmatch(topic):
        return None
    return next((family for family in FAMILIES if family.matches(topic)), None)


def may_read(user: User, topic: str) -> bool:
    """Return whether `topic` exists and `user` may read it."""
    family = family_of(topic)
    return family is not None and family.may_read(user, topic)


def may_publish(user: User, topic: str) -> bool:
    """Return whether `topic` exists and `user` may append to it through the publish API."""
    family = family_of(topic)
    return family is not None and family.may_publish(user, topic)
