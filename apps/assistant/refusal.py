"""What the reader is told when there is no answer: {"error": {"code", "message", "hint"}}, as at every other door."""

from django.conf import settings
from django.utils.translation import get_language


class Refusal(Exception):
    """No answer will come, and why.

    `code` is for programs and never translated; `message` says what arrived and what was expected, `hint` what to do
    next, both in `language`, the one that was active. `status` is the HTTP status where one can still be sent.
    """

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.language = get_language() or settings.LANGUAGE_CODE

    @property
    def error(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "hint": self.hint}
