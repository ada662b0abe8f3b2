"""Which topics a key or a token reaches: names, and beginnings of names with a `*` after them."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_PATTERN = re.compile(r"\*|[a-z0-9][a-z0-9._-]{0,97}(\*|[a-z0-9._-])?")


def validate_patterns(patterns: str) -> None:
    """Check patterns that stand apart by spaces or line breaks.

    Raises:
        ValidationError: one of them can't fit a topic.
    """
    for pattern in patterns.split():
        if not _PATTERN.fullmatch(pattern):
            raise ValidationError(
                _("“%(pattern)s” fits no topic: expected a name such as lab.deploys, or its beginning and a *: lab.*"),
                params={"pattern": pattern[:120]},
            )


def reaches(patterns: str, topic: str) -> bool:
    """Return whether one of `patterns` is `topic`, or a beginning of it with a `*`."""
    return any(
        topic.startswith(pattern[:-1]) if pattern.endswith("*") else topic == pattern for pattern in patterns.split()
    )


def covers(patterns: str, others: str) -> bool:
    """Return whether `patterns` reach every topic that `others` reach."""
    return all(any(_covers(pattern, other) for pattern in patterns.split()) for other in others.split())


def _covers(pattern: str, other: str) -> bool:
    if not pattern.endswith("*"):
        return pattern == other
    return other.removesuffix("*").startswith(pattern[:-1])
