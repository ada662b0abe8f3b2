"""Where every page and endpoint lives."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("feed/", include("apps.transports.urls")),  # first: polls are what is asked for most often
    path("", include("apps.demos.urls")),
    path("", include("apps.operations.urls")),  # before the admin, which answers everything under admin/
    path("admin/", admin.site.urls),
    path("account/", include("apps.accounts.urls")),
    path("", include("apps.article.urls")),
    path("", include("apps.benchmark.urls")),
    path("api/", include("apps.api.urls")),
    path("lab/", include("apps.lab.urls")),
    path("assistant/", include("apps.assistant.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]

handler400 = "apps.api.bad_host.bad_request_at"
