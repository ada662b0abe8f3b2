"""What the chat tells somebody whose frame it can't take."""

from typing import Any


class ChatError(Exception):
    """A frame that was refused; the connection goes on.

    Args:
        code: one of those in CHAT.md#errors, for programs.
        message: what arrived and what was expected, for people.
        hint: what to do next.
        line_id: the sender's own id of the line in question.
        retry_after_s: when it makes sense to try again.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str,
        *,
        line_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.line_id = line_id
        self.retry_after_s = retry_after_s

    def as_frame(self) -> dict[str, Any]:
        """Return the error as the `chat.v1.json` frame says it."""
        frame: dict[str, Any] = {"chat": "error", "code": self.code, "message": self.message, "hint": self.hint}
        if self.line_id is not None:
            frame["id"] = self.line_id
        if self.retry_after_s is not None:
            frame["retry_after_s"] = self.retry_after_s
        return frame
