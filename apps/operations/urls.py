"""What operators and their programs ask. All but the last runs on the lean handler, see realtime_site/asgi.py."""

from django.urls import path

from apps.operations.health import healthz, readyz
from apps.operations.live_stream import live_stream
from apps.operations.metrics import metrics
from apps.operations.security_txt import security_txt

app_name = "operations"
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/live/stream", live_stream, name="live_stream"),
    path(".well-known/security.txt", security_txt, name="security_txt"),
]
