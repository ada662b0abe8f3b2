"""Where every page and endpoint lives."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("feed/", include("apps.transports.urls")),
    path("assistant/", include("apps.assistant.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
