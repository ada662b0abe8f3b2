"""The addresses of the pages."""

from django.urls import path

from apps.demos import views

app_name = "demos"
urlpatterns = [
    path("", views.home, name="home"),
    path("guide/", views.guide_page, name="guide"),
    path("demos/short-poll/", views.transport, {"name": "short_poll"}, name="short_poll"),
    path("demos/long-poll/", views.transport, {"name": "long_poll"}, name="long_poll"),
    path("demos/sse/", views.transport, {"name": "sse"}, name="sse"),
    path("demos/fetch-stream/", views.transport, {"name": "fetch_stream"}, name="fetch_stream"),
    path("demos/websocket/", views.transport, {"name": "websocket"}, name="websocket"),
    path("demos/chat/", views.chat, name="chat"),
    path("demos/typewriter/", views.typewriter, name="typewriter"),
    path("demos/article/", views.article, name="article"),
]
