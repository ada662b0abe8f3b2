"""How many answers one process writes at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from apps.transports.refusal import Refusal

RETRY_AFTER_S = 5


class Capacity:
    """Counts the answers being written. For one event loop: nothing awaits between looking and taking."""

    def __init__(self) -> None:
        self.taken = 0

    def check(self, language: str) -> None:
        """Raise the Refusal `busy` (503) if every place is taken."""
        if self.taken >= settings.ASSISTANT_MAX_ANSWERS:
            with translation.override(language):
                raise Refusal(
                    503,
                    "busy",
                    _("I am writing %(count)d answers already, as many as I can at a time.") % {"count": self.taken},
                    _("Please ask again in a few seconds."),
                    retry_after_s=RETRY_AFTER_S,
                )

    @contextmanager
    def place(self, language: str) -> Iterator[None]:
        """Hold a place for as long as the block runs, or raise as `check` does."""
        self.check(language)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


of_this_process = Capacity()
