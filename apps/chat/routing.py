"""Where the chat room is."""

from django.urls import path

from apps.chat.consumer import ChatConsumer

websocket_urlpatterns = [
    path("", ChatConsumer.as_asgi()),
    path("ws/chat/", ChatConsumer.as_asgi()),
]
