"""Question in, frames out: `ready`, then `text` and `sources` as they come, then `done` or `error`.

docs/ASSISTANT.md#frames describes each. The frames are the same by fetch and by SSE.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from apps.assistant import capacity, responder
from apps.assistant.question import Question
from apps.assistant.responder import Piece, Text
from apps.transports.refusal import Refusal

logger = logging.getLogger(__name__)

Frame = dict[str, Any]


async def frames(question: Question) -> AsyncGenerator[Frame, None]:
    """Yield the frames of an answer. Always ends with `done` or `error`, unless cancelled.

    Takes its place in the capacity only when it starts to run: a generator that is never started, because the reader
    left in between, never reaches its `finally`, and would keep the place for ever.

    Cancellation: reaches the responder at its `await`; its clean-up has run when this generator is closed.
    """
    try:
        with capacity.of_this_process.place(question.language):
            yield {"type": "ready", "language": question.language}
            # The responder makes its answer in its own code: closed here, not whenever it is collected.
            async with aclosing(responder.current().answer(question.text, question.language)) as pieces:
                deadline_s = asyncio.get_running_loop().time() + settings.ASSISTANT_TIMEOUT_S
                while (piece := await _next(pieces, deadline_s, question.language)) is not None:
                    yield _frame(piece)
            yield {"type": "done"}
    except Refusal as refusal:
        yield error_frame(refusal)
    except Exception:
        logger.exception("The responder %s failed.", settings.ASSISTANT_RESPONDER)
        yield error_frame(_failed(question.language))


def error_frame(refusal: Refusal) -> Frame:
    return {"type": "error", "error": {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}}


async def _next(pieces: AsyncGenerator[Piece, None], deadline_s: float, language: str) -> Piece | None:
    try:
        # The time limit spans this `await` only. Around a `yield` it would cancel whoever happens to send the frame.
        async with asyncio.timeout_at(deadline_s) as limit:
            return await anext(pieces, None)
    except TimeoutError:
        if not limit.expired():  # the responder's own, from a call that it made
            raise
        logger.warning("An answer was cut off after %s s (ASSISTANT_TIMEOUT_S).", settings.ASSISTANT_TIMEOUT_S)
        raise _took_too_long(language) from None


def _frame(piece: Piece) -> Frame:
    if isinstance(piece, Text):
        return {"type": "text", "text": piece.text}
    return {
        "type": "sources",
        "sources": [{"title": s.title, "url": s.url, "quoted": s.quoted} for s in piece.sources],
    }


def _took_too_long(language: str) -> Refusal:
    with translation.override(language):
        return Refusal(
            504,
            "took_too_long",
            _("The answer took longer than %(seconds)d seconds and was cut off.")
            % {"seconds": settings.ASSISTANT_TIMEOUT_S},
            _("Ask something narrower, or try again later."),
        )


def _failed(language: str) -> Refusal:
    with translation.override(language):
        return Refusal(
            502,
            "responder_failed",
            _("Something went wrong while the answer was being written."),
            _("Ask again. If it keeps happening, the server's log says why."),
        )
