"""The admin with one page more: Live."""

from typing import Any

from csp.decorators import csp_replace
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

# jQuery and the widgets that come with Django write markup from text (innerHTML), which trusted types forbid. The rest
# of the policy holds: no script runs but those of the site's own files.
_without_trusted_types = csp_replace({"require-trusted-types-for": None})


class SiteAdmin(AdminSite):
    """Django's admin site, with the Live page among its models.

    Like `login_form`, `password_change_view` is for others to fill in: the PasswordChangeView that stands in for
    Django's own.
    """

    password_change_view: Any = None

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return _without_trusted_types(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        page: Any = _without_trusted_types(super().login)
        return page(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if self.password_change_view is None:
            return super().password_change(request, extra_context)
        from django.contrib.admin.forms import AdminPasswordChangeForm  # it needs the models

        request.current_app = self.name
        page = self.password_change_view.as_view(
            form_class=AdminPasswordChangeForm,
            template_name=self.password_change_template or "registration/password_change_form.html",
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return page(request)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # First: Django's own list ends with a path that catches everything.
        return [path("live/", self.admin_view(self.live), name="live"), *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        if app_label is None and self.has_permission(request):
            live = reverse("admin:live", current_app=self.name)
            page = {
                "name": pgettext("page of the admin", "Live"),
                "object_name": "Live",
                "admin_url": live,
                "view_only": True,
                "perms": {},
            }
            apps.append(
                {"name": _("Operations"), "app_label": "operations", "app_url": live, "has_module_perms": True}
                | {"models": [page]}
            )
        return apps

    def live(self, request: HttpRequest) -> TemplateResponse:
        """Show the page; its figures come from `live_stream`."""
        return TemplateResponse(
            request,
            "operations/live.html",
            {**self.each_context(request), "title": pgettext("page of the admin", "Live")},
        )


class SiteAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS where `django.contrib.admin` would."""

    default_site = "apps.operations.admin_site.SiteAdmin"
