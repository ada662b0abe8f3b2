"""From `Authorization: Bearer …` (RFC 6750) to an identity: the key's owner, as far as the key reaches."""

from dataclasses import dataclass

from apps.access.identity import Identity, Right, facts_of
from apps.access.tokens import TokenIdentity
from apps.access.topic_patterns import reaches
from apps.api import models
from apps.transports.refusal import Refusal

_ASK_FOR_ANOTHER = "ask for another key, which is made in the admin under API keys or with manage.py create_api_key"


@dataclass(frozen=True)
class KeyIdentity(Identity):
    """The owner of an API key, narrowed to publishing and to the key's topics.

    Args:
        key_name: what the key is called.
        key_prefix: the part of it that is no secret.
        key_topics: the patterns of its topics.
    """

    key_name: str = ""
    key_prefix: str = ""
    key_topics: str = ""

    def reaches(self, right: Right, topic: str) -> bool:
        return right is Right.PUBLISH and reaches(self.key_topics, topic)


def identity_of_key(text: str) -> KeyIdentity:
    """Return who a request with this API key comes from. Runs queries.

    Raises:
        Refusal: 401, the key is unknown or no longer valid.
    """
    api_key = models.find(text)
    if api_key is None:
        raise Refusal(401, "unknown_api_key", "the API key in Authorization is none of this site's", _ASK_FOR_ANOTHER)
    if api_key.revoked_at is not None:
        raise Refusal(401, "revoked_api_key", f"the API key {api_key.name!r} was revoked", _ASK_FOR_ANOTHER)
    if not api_key.owner.is_active:
        raise Refusal(
            401, "revoked_api_key", f"the owner of the API key {api_key.name!r} was deactivated", _ASK_FOR_ANOTHER
        )
    api_key.note_use()
    return KeyIdentity(
        **facts_of(api_key.owner), key_name=api_key.name, key_prefix=api_key.prefix, key_topics=api_key.topics
    )


def publisher_of(identity: Identity) -> str:
    """Return for whom `identity` publishes: `key.<prefix>` with an API key or a token of one, else `user.<id>`."""
    key_prefix = identity.key_prefix if isinstance(identity, KeyIdentity | TokenIdentity) else ""
    return f"key.{key_prefix}" if key_prefix else f"user.{identity.user_id}"


def forbidden(identity: KeyIdentity, topic: str) -> Refusal:
    """Return what a key is told that may not publish to `topic`."""
    if not identity.reaches(Right.PUBLISH, topic):
        reached = ", ".join(identity.key_topics.split())
        return Refusal(
            403,
            "forbidden",
            f"the API key {identity.key_name!r} may not publish to {topic!r}, only to {reached}",
            "publish there, or have the topics of the key changed in the admin under API keys",
        )
    return Refusal(
        403,
        "forbidden",
        f"the API key {identity.key_name!r} belongs to {identity.username!r}, who may not publish to {topic!r}",
        "a key may do what its owner may: have them made staff, or use a key of somebody else",
    )
