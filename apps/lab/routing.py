"""The lab's line, for the one door that is a WebSocket."""

from django.urls import path

from apps.lab.line import Line
from apps.transports.websocket import FeedConsumer

websocket_urlpatterns = [path("lab/line/feed/ws", Line(FeedConsumer.as_asgi()))]  # type: ignore[arg-type]
