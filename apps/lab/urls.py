"""The lab's addresses. All but the page run on the lean handler, see realtime_site/asgi.py."""

from django.urls import path

from apps.lab import endpoints
from apps.lab.views import page

app_name = "lab"
urlpatterns = [
    path("", page, name="page"),
    path("clock", endpoints.clock, name="clock"),
    path("runs", endpoints.runs, name="runs"),
    path("runs/<str:run>/events", endpoints.events, name="events"),
    path("runs/<str:run>/faults", endpoints.faults, name="faults"),
    path("runs/<str:run>/stop", endpoints.stop, name="stop"),
    path("runs/<str:run>/figures", endpoints.figures, name="figures"),
]
