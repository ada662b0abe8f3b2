"""A Django view that streams, behind Django's own handler: how the views of most projects look to the server."""

import asyncio
import os
from collections.abc import AsyncIterator

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from tests.server.marks import mark

# The tests' environment names settings that this server does without.
os.environ.pop("DJANGO_SETTINGS_MODULE", None)
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="tests", DEBUG=True)


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        try:
            yield b"ready\n"
            await asyncio.Event().wait()
        finally:
            mark("finally django")

    return StreamingHttpResponse(parts())


urlpatterns = [path("stream", stream)]
application = get_asgi_application()
