from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from apps.assistant import responder


@register()
def responder_can_be_made(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Make the responder at start-up, so that a wrong setting fails a deployment and not the first question."""
    try:
        responder.current()
    except Exception as error:
        return [
            Error(
                f"ASSISTANT_RESPONDER {settings.ASSISTANT_RESPONDER!r} can't be used: {error}",
                hint="Name a class with an answer(question, language) method; see docs/ASSISTANT.md.",
                id="assistant.E001",
            )
        ]
    return []
