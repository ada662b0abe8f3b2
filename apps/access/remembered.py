"""Who credentials stand for, remembered for moments: a client that polls or comes back is not looked up each time.

What is remembered ends with the first word of anything that may have changed it: a move that this process told or heard
(`moves`), whatever became of it. `Revocations.hears_everything` says when such words can be relied on; at other times
nobody asks here. What nobody tells is found after AGE_S.

Process-wide, and for any thread: a move is told in the thread that made it.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass

from apps.access.identity import Identity

# Half of the round that finds, under what is open, what nobody tells (`revocation.ROUND_S`).
AGE_S = 10.0
MOST = 10_000

# Whatever tells them apart: what kind of credential, and its text.
Credential = Hashable


@dataclass(frozen=True, slots=True)
class Known:
    """Who a credential stood for.

    Args:
        since: seconds of time.monotonic() at which the looking up began.
    """

    identity: Identity
    since: float


class Remembered:
    """Identities by credential. `remembered` is the process's own.

    Args:
        most: how many; those that were looked up first make room.
        age_s: seconds for which each is good at most, counted from before it was looked up.
    """

    def __init__(self, most: int = MOST, age_s: float = AGE_S) -> None:
        self._most = most
        self.age_s = age_s
        self._lock = threading.Lock()
        self._known: dict[Credential, Known] = {}  # the oldest first
        self._of_user: defaultdict[str | None, set[Credential]] = defaultdict(set)
        self._words = 0  # of changes

    def __len__(self) -> int:
        return len(self._known)

    def words_so_far(self) -> int:
        """Return what `keep` wants to know; ask before a credential is looked up."""
        return self._words

    def recall(self, credential: Credential) -> Known | None:
        """Return who `credential` stood for moments ago, if nothing is known to have changed since."""
        known = self._known.get(credential)
        if known is None or not self._is_good(known):
            return None
        return known

    def keep(self, credential: Credential, known: Known, words_before: int) -> None:
        """Remember who `credential` stands for, unless a change was told of since `words_before`."""
        identity = known.identity
        # Strangers are not worth it: anybody can invent any number of credentials.
        if not identity.is_signed_in or not identity.is_told_of:
            return
        with self._lock:
            # [race] Looked up before a change and kept after the word of it: nobody would say it again.
            if self._words != words_before:
                return
            self._drop(credential)
            self._known[credential] = known
            self._of_user[identity.user_id].add(credential)
            while (oldest := next(iter(self._known))) != credential and (
                len(self._known) > self._most or not self._is_good(self._known[oldest])
            ):
                self._drop(oldest)

    def forget(self, user_id: str | None = None) -> None:
        """Take note that the rights of a user may have changed; None: anybody's."""
        with self._lock:
            self._words += 1
            if user_id is None:
                self._known.clear()
                self._of_user.clear()
            else:
                for credential in self._of_user.pop(user_id, ()):
                    del self._known[credential]

    def _is_good(self, known: Known) -> bool:
        expires_at = known.identity.expires_at
        return time.monotonic() < known.since + self.age_s and (expires_at is None or time.time() < expires_at)

    def _drop(self, credential: Credential) -> None:
        known = self._known.pop(credential, None)
        if known is not None:
            user_id = known.identity.user_id
            self._of_user[user_id].discard(credential)
            if not self._of_user[user_id]:
                del self._of_user[user_id]


remembered = Remembered()
