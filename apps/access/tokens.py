"""Tokens: for clients without a cookie, on other sites and devices; for some topics and rights, for a while, signed.

No token is kept. It says who it is for, how far it reaches and until when; what its user may do is looked up each time,
as for a session. So it ends with the user, with their password, and by itself.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.utils.crypto import constant_time_compare

from apps.access.identity import ANONYMOUS, Identity, Right, facts_of
from apps.access.topic_patterns import reaches, validate_patterns

# Programs that look for leaked secrets need such a beginning; an API key begins with `rt_`.
PREFIX = "rtt_"
MIN_LIFE_S, DEFAULT_LIFE_S = 1, 900
MAX_TOPICS_CHARACTERS = 1_000
_LETTERS = {Right.READ: "r", Right.HISTORY: "h", Right.PUBLISH: "p"}
_ASK_FOR_ANOTHER = "ask for another one: POST /api/tokens, or manage.py create_token"


@dataclass(eq=False)
class TokenError(Exception):
    """A token that does not count.

    Args:
        code: "bad_token", "token_expired" or "token_revoked".
        message: what arrived and what was expected.
        hint: what to do next.
    """

    code: str
    message: str
    hint: str = _ASK_FOR_ANOTHER


class IssuedToken(NamedTuple):
    """A new token; `expires_at` is in seconds since 1970."""

    text: str
    expires_at: int


@dataclass(frozen=True)
class TokenIdentity(Identity):
    """A user, as far as their token reaches.

    Args:
        token_topics: patterns of its topics.
        token_rights: what it may do with them.
        key_prefix: of the API key that it was asked for with; empty: of none.
        key_topics: patterns of that key's topics, as they are by now.
    """

    no_longer: ClassVar[str] = "the token that you came with counts no longer"

    token: str = field(default="", repr=False)
    token_topics: str = ""
    token_rights: frozenset[Right] = frozenset()
    key_prefix: str = ""
    key_topics: str = "*"

    @property
    def is_told_of(self) -> bool:
        return not self.key_prefix  # a key is revoked without a move

    def reaches(self, right: Right, topic: str) -> bool:
        return right in self.token_rights and reaches(self.token_topics, topic) and reaches(self.key_topics, topic)

    def reread(self) -> Identity:
        try:
            return identity_of_token(self.token)
        except TokenError:
            return ANONYMOUS


def _no_keys(prefix: str) -> str | None:
    return None


_topics_of_key: Callable[[str], str | None] = _no_keys


def know_keys(topics_of_key: Callable[[str], str | None]) -> None:
    """Let tokens rest on API keys, whose room lies above this one.

    Args:
        topics_of_key: returns the patterns that the key with a prefix reaches, or None if it counts no longer.
    """
    global _topics_of_key
    _topics_of_key = topics_of_key


def issue(
    user: AbstractBaseUser,
    topics: str,
    rights: Iterable[Right],
    life_s: int = DEFAULT_LIFE_S,
    *,
    key_prefix: str = "",
) -> IssuedToken:
    """Return a new token for `user`. Whether it is more than who asks may hand out is for the caller to know.

    Args:
        topics: patterns apart by spaces, of 1,000 characters at most.
        rights: at least one.
        life_s: how long it counts, from 1 second to settings.TOKEN_LIFE_MAX_S.
        key_prefix: of the API key that it rests on: it ends with the key, and reaches no further.

    Raises:
        ValidationError: a pattern can't fit a topic.
        ValueError: no topics or too many, no rights, a life that is too short or too long.
    """
    validate_patterns(topics)
    topics = " ".join(topics.split())
    if not 0 < len(topics) <= MAX_TOPICS_CHARACTERS:
        raise ValueError(f"topics of {len(topics)} characters; expected 1 to {MAX_TOPICS_CHARACTERS}")
    if not MIN_LIFE_S <= life_s <= settings.TOKEN_LIFE_MAX_S:
        raise ValueError(f"a life of {life_s} s; expected {MIN_LIFE_S} to {settings.TOKEN_LIFE_MAX_S:g}")
    letters = "".join(sorted({_LETTERS[right] for right in rights}))
    if not letters:
        raise ValueError("no rights; expected at least one of read, history and publish")
    expires_at = int(time.time()) + life_s
    content = [str(user.pk), _fingerprint(user.get_session_auth_hash()), expires_at, letters, topics, key_prefix]
    return IssuedToken(PREFIX + _signer().sign_object(content), expires_at)


def identity_of_token(text: str) -> TokenIdentity:
    """Return whom the token stands for by now. Runs queries.

    Raises:
        TokenError: it does not count.
    """
    user_id, fingerprint, expires_at, letters, topics, key_prefix = _read(text)
    if expires_at <= time.time():
        raise TokenError("token_expired", "the token that you came with has expired")
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    # As for a session: another password is another fingerprint, and so is another SECRET_KEY without a fallback.
    hashes = () if user is None else (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    if user is None or not user.is_active or not _is_one_of(fingerprint, hashes):
        raise TokenError(
            "token_revoked",
            "the token that you came with counts no longer: its user was deactivated, or has another password",
        )
    key_topics = _topics_of_key(key_prefix) if key_prefix else "*"
    if key_topics is None:
        raise TokenError("token_revoked", "the token that you came with counts no longer: its API key was revoked")
    return TokenIdentity(
        **facts_of(user),
        expires_at=float(expires_at),
        token=text,
        token_topics=topics,
        token_rights=frozenset(right for right, letter in _LETTERS.items() if letter in letters),
        key_prefix=key_prefix,
        key_topics=key_topics,
    )


def _read(text: str) -> tuple[str, str, int, str, str, str]:
    if not text.startswith(PREFIX):
        arrived = "an API key, which publishes and opens no door" if text.startswith("rt_") else "none of this site's"
        raise TokenError("bad_token", f"what came as a token is {arrived}")
    try:
        content: Any = _signer().unsign_object(text.removeprefix(PREFIX))
    except Exception:  # whatever base64, JSON and the signature say of somebody's inventions
        raise TokenError("bad_token", "the token that you came with is none of this site's, or is incomplete") from None
    return tuple(content)  # signed, so it is as `issue` wrote it


def _is_one_of(fingerprint: str, hashes: Iterable[str]) -> bool:
    return any(constant_time_compare(fingerprint, _fingerprint(one)) for one in hashes)


def _fingerprint(session_auth_hash: str) -> str:
    return hashlib.sha256(session_auth_hash.encode()).hexdigest()[:32]


def _signer() -> signing.Signer:
    # A full stop, and not Django's colon, which a WebSocket subprotocol can't hold (RFC 9110 section 5.6.2, "token").
    return signing.Signer(salt="apps.access.tokens", sep=".")
