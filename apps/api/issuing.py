"""Hand out a token, and write down that it was handed out: one is not done without the other."""

import hashlib
from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.access import tokens
from apps.access.identity import Right
from apps.access.tokens import IssuedToken
from apps.audit import trail
from apps.audit.models import Action

_FINGERPRINT_LENGTH = 16


def hand_out(
    user: AbstractBaseUser, topics: str, rights: Iterable[Right], life_s: int, *, key_prefix: str = ""
) -> IssuedToken:
    """Return a new token once the audit trail has it; arguments and errors are those of `tokens.issue`.

    The entry does not hold the token. It holds a fingerprint, by which somebody who finds the token finds who asked for
    it (ACCOUNTS.md#who-did-what).
    """
    rights = list(rights)
    with transaction.atomic():
        issued = tokens.issue(user, topics, rights, life_s, key_prefix=key_prefix)
        may = ", ".join(right.value for right in rights)
        trail.record(
            Action.TOKEN_MADE,
            subject=f"token:{_fingerprint(issued.text)}",
            detail=f"{user.get_username()}: {may} → {' '.join(topics.split())}, {life_s} s",
        )
    return issued


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]
