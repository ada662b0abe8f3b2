"""The usual ways with Django and Channels, for comparison: a group per client, and a queue per client.

- `/ws`: Channels' own chat tutorial: every consumer joins the group, `group_send` hands each one the message.
- `/sse`: an async Django view, a `StreamingHttpResponse` over an `asyncio.Queue` of the client's own.

LAYER in the environment is the dotted name of the channel layer, REDIS_URL where it finds Redis. Nothing but the
standard way of either: `daphne apps.benchmark.servers.usual_channels:application`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import django
import environ
from django.conf import settings

_env = environ.Env()
_LAYER = _env.str("LAYER", default="channels.layers.InMemoryChannelLayer")
_REDIS_URL = _env.str("REDIS_URL", default="")

settings.configure(
    SECRET_KEY="a server that lives for some seconds",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="apps.benchmark.servers.usual_channels",
    INSTALLED_APPS=["daphne", "channels"],
    CHANNEL_LAYERS={
        "default": {"BACKEND": _LAYER, "CONFIG": {"hosts": [_REDIS_URL]} if _REDIS_URL else {}},
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from apps.benchmark.servers.timer import event_of, with_timer

GROUP = "everyone"
queues: set[asyncio.Queue[str]] = set()


class GroupConsumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def event(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


async def sse(request: HttpRequest) -> StreamingHttpResponse:
    async def body() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        queues.add(queue)
        try:
            yield b": connected\n\n"
            while True:
                yield f"data: {await queue.get()}\n\n".encode()
        finally:
            queues.discard(queue)

    return StreamingHttpResponse(body(), content_type="text/event-stream")


urlpatterns = [path("sse", sse)]


async def publish(number: int, due_ns: int, size_bytes: int) -> None:
    text = json.dumps(event_of(number, due_ns, size_bytes), separators=(",", ":"))
    for queue in queues:
        queue.put_nowait(text)
    if not queues:
        await get_channel_layer().group_send(GROUP, {"type": "event", "text": text})


application = with_timer(
    ProtocolTypeRouter({"http": get_asgi_application(), "websocket": URLRouter([path("ws", GroupConsumer.as_asgi())])}),
    publish,
)
