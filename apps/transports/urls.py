"""The HTTP doors. They run on the lean handler, see realtime_site/asgi.py."""

from django.urls import path

from apps.transports.fetch_stream import fetch_stream
from apps.transports.long_poll import long_poll
from apps.transports.short_poll import short_poll
from apps.transports.sse import sse

app_name = "transports"
urlpatterns = [
    path("poll", short_poll, name="short_poll"),
    path("long-poll", long_poll, name="long_poll"),
    path("sse", sse, name="sse"),
    path("stream", fetch_stream, name="fetch_stream"),
]
