"""The list of doors. A new door is its neighbour copied, a line here, and the conformance suite runs over it."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Door:
    """One way to wait for the next event.

    Args:
        name: its word everywhere: the Python module, its JavaScript twin, metrics.
        label: what people call it.
        path: where it opens.
        is_stream: whether one request carries many batches.
    """

    name: str
    label: str | Promise
    path: str
    is_stream: bool

    @property
    def twin(self) -> str:
        """The static path of the JavaScript module that walks through this door."""
        return f"transports/{self.name}.js"


DOORS = (
    Door("short_poll", _("Short polling"), "/feed/poll", is_stream=False),
    Door("long_poll", _("Long polling"), "/feed/long-poll", is_stream=False),
    Door("sse", _("Server-sent events"), "/feed/sse", is_stream=True),
    Door("fetch_stream", _("Fetch streaming"), "/feed/stream", is_stream=True),
    Door("websocket", _("WebSocket"), "/feed/ws", is_stream=True),
)
