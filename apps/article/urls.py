"""The article's endpoints. They run on the lean handler, see realtime_site/asgi.py."""

from django.urls import path

from apps.article.hello_events import hello_events
from apps.article.long_poll import long_poll
from apps.article.status import status

app_name = "article"
urlpatterns = [
    path("api/status", status, name="status"),
    path("api/long-poll", long_poll, name="long_poll"),
    path("events", hello_events, name="hello_events"),
]
