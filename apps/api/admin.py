"""Where keys are made, shown once, narrowed and revoked."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.api.models import ApiKey
from apps.audit import trail
from apps.audit.models import Action


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """A new key belongs to who makes it."""

    fields = ("name", "topics")
    empty_value_display = gettext_lazy("never")  # used, or revoked
    list_display = ("name", "prefix", "topics", "owner", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("owner",)
    search_fields = ("name", "prefix", "topics")
    actions = ("revoke",)

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        told = [] if obj is None else [(None, {"fields": self.get_readonly_fields(request, obj)})]
        return [(None, {"fields": self.fields}), *told]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return () if obj is None else ("prefix", "owner", "created_at", "last_used_at", "revoked_at")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        # What comes after saving is the page that shows the key, whatever button was pressed.
        one_button = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **one_button})

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            # Not the whole row: a key that is revoked or used meanwhile stays so.
            obj.save(update_fields=self.fields)
            trail.record(Action.KEY_CHANGED, subject=obj.subject, detail=f"{obj} → {obj.topics}")
            return
        obj.owner = request.user  # type: ignore[assignment]  # the admin lets in nobody anonymous
        request.__dict__["_issued_key"] = obj.issue().text

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        # In this answer and nowhere else: a message would keep the key in a cookie, a redirect in an address.
        context = {
            **self.admin_site.each_context(request),
            "title": _("The new API key"),
            "opts": self.opts,
            "api_key": obj,
            "key_text": request.__dict__["_issued_key"],
        }
        return TemplateResponse(request, "admin/api/apikey/issued.html", context)

    @admin.action(description=gettext_lazy("Revoke the selected keys, at once"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Make the selected keys invalid from the next request on."""
        valid = list(queryset.filter(revoked_at=None))
        with transaction.atomic():
            ApiKey.objects.filter(pk__in=[api_key.pk for api_key in valid]).update(revoked_at=timezone.now())
            for api_key in valid:
                self.log_change(request, api_key, [{"changed": {"fields": [_("revoked at")]}}])
                trail.record(Action.KEY_REVOKED, subject=api_key.subject, detail=str(api_key))
        text = ngettext("Revoked: {count} key publishes no more.", "Revoked: {count} keys publish no more.", len(valid))
        self.message_user(request, text.format(count=len(valid)), messages.SUCCESS)
