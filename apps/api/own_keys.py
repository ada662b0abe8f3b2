"""The names that publishers give to what they publish, so that sending it again writes it once."""

import hashlib

from apps.access.identity import Identity
from apps.api.key_identity import publisher_of


def own_key(identity: Identity, what: str, key: str | None) -> str | None:
    """Return what the log knows a publisher's `key` as; None where there is none.

    Nobody's keys are another's: who guesses a key would get the event that was published with it, and who comes first
    with it would swallow the event of whom it belongs to.

    Args:
        what: "event" or "notification"; the two have nothing to do with each other either.
    """
    if key is None:
        return None
    # A fingerprint, since together they are longer than what the log takes.
    return "api:" + hashlib.sha256("\0".join((publisher_of(identity), what, key)).encode()).hexdigest()
