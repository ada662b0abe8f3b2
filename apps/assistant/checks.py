from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from apps.assistant import responder


@register()
def responder_can_be_made(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Make the responder at start-up, so that a wrong setting fails a deployment and not the first question."""
    try:
        responder.current()
    except ImportError as error:
        # A wrong setting is one line (docs/SETTINGS.md); what is wrong with the class itself is a check like others.
        raise ImproperlyConfigured(
            f"ASSISTANT_RESPONDER is {settings.ASSISTANT_RESPONDER!r}, which can't be imported ({error}); expected the "
            "dotted name of a class, such as apps.assistant.guide_responder.GuideResponder"
        ) from error
    except Exception as error:
        return [
            Error(
                f"ASSISTANT_RESPONDER {settings.ASSISTANT_RESPONDER!r} can't be used: {error}",
                hint="Name a class with an answer(question, language) method; see docs/ASSISTANT.md.",
                id="assistant.E001",
            )
        ]
    return []
