"""The WebSocket door."""

from django.urls import path

from apps.transports.websocket import FeedConsumer

websocket_urlpatterns = [path("feed/ws", FeedConsumer.as_asgi())]
