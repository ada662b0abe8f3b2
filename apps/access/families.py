"""Families of topics: who may read, read back and publish. A project adds a family with one class here.

| topics | read and history | publish |
|---|---|---|
| `notifications`, `chat.*`, `lab.*` | everyone | staff |
| `user.<id>` | that user | staff |
| `group.<name>` | the group's members | staff |
| `staff.*` | staff | staff |
"""

import hashlib
import re

from apps.access.identity import Identity, Right
from apps.events.topic_names import TOPIC_NAME


class Family:
    """A kind of topic and its rules; as they stand here, only staff may do anything, and that is publish."""

    def matches(self, topic: str) -> bool:
        """Return whether `topic` (a well-formed name) belongs to this family."""
        raise NotImplementedError

    def may_read(self, identity: Identity, topic: str) -> bool:
        """Return whether they may subscribe to `topic`, and get its events from now on."""
        return False

    def may_read_history(self, identity: Identity, topic: str) -> bool:
        """Return whether who may read `topic` may also have the events of before: from a cursor, `start` or `last`."""
        return self.may_read(identity, topic)

    def may_publish(self, identity: Identity, topic: str) -> bool:
        """Return whether they may append to `topic` through the publish API."""
        return identity.is_staff


class PublicFamily(Family):
    """Topics that everyone reads.

    Chat lines are not published here: the chat room appends what people say to it.
    """

    def matches(self, topic: str) -> bool:
        return topic == "notifications" or topic.startswith(("chat.", "lab."))

    def may_read(self, identity: Identity, topic: str) -> bool:
        return True


class PersonalFamily(Family):
    """`user.<id>`: that user reads."""

    def matches(self, topic: str) -> bool:
        prefix, _, user_id = topic.partition(".")
        return prefix == "user" and user_id.isascii() and user_id.isdigit()

    def may_read(self, identity: Identity, topic: str) -> bool:
        return identity.user_id is not None and topic == personal_topic(identity.user_id)


class GroupFamily(Family):
    """`group.<name>`: the members of that group read."""

    def matches(self, topic: str) -> bool:
        return topic.startswith("group.") and len(topic) > len("group.")

    def may_read(self, identity: Identity, topic: str) -> bool:
        return any(group_topic(name) == topic for name in identity.groups)


class StaffFamily(Family):
    """`staff.*`: staff reads."""

    def matches(self, topic: str) -> bool:
        return topic.startswith("staff.") and len(topic) > len("staff.")

    def may_read(self, identity: Identity, topic: str) -> bool:
        return identity.is_staff


FAMILIES: tuple[Family, ...] = (PublicFamily(), PersonalFamily(), GroupFamily(), StaffFamily())

_PLAIN_GROUP_NAME = re.compile(r"[a-z0-9_-]{1,60}")
_NOT_IN_A_TOPIC = re.compile(r"[^a-z0-9_-]+")


def personal_topic(user_id: object) -> str:
    """Return the topic that only the user with this primary key reads."""
    return f"user.{user_id}"


def group_topic(name: str) -> str:
    """Return the topic that the members of the group called `name` read.

    `editors` has `group.editors`. A name with anything but a-z, 0-9, `_` and `-` in it gets what a topic can hold of
    it, and a fingerprint after a full stop, which no plain name has: two groups never share a topic.
    """
    if _PLAIN_GROUP_NAME.fullmatch(name):
        return f"group.{name}"
    readable = _NOT_IN_A_TOPIC.sub("-", name.lower()).strip("-")[:60]
    return f"group.{readable}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def family_of(topic: str) -> Family | None:
    """Return the family that `topic` belongs to, or None: then there is no such topic."""
    if not TOPIC_NAME.fullmatch(topic):
        return None
    return next((family for family in FAMILIES if family.matches(topic)), None)


def may(identity: Identity, right: Right, topic: str) -> bool:
    """Return whether `topic` exists, and `identity` has this right to it."""
    family = family_of(topic)
    if family is None or not identity.reaches(right, topic):
        return False
    match right:
        case Right.READ:
            return family.may_read(identity, topic)
        case Right.HISTORY:
            return family.may_read(identity, topic) and family.may_read_history(identity, topic)
        case Right.PUBLISH:
            return family.may_publish(identity, topic)
