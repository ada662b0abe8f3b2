"""The editors' desk: write, look, post; edit; recall."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.notifications import publishing
from apps.notifications.audience import Kind, size
from apps.notifications.forms import NotificationForm
from apps.notifications.models import Notification

AUDIENCE = ("audience", "groups", "people")


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    """Every save, edit and deletion here goes through `publishing`, and says what the log made of it."""

    form = NotificationForm
    radio_fields = {"level": admin.HORIZONTAL, "audience": admin.HORIZONTAL}
    autocomplete_fields = ("groups", "people")
    readonly_fields = ("posted_by_name", "posted_at")
    empty_value_display = gettext_lazy("a program")  # only `posted_by` can be empty, there and among its filters
    list_display = ("title", "level_badge", "excerpt", "audience", "posted_by_name", "posted_at")
    list_filter = ("level", "audience", "posted_at", ("posted_by", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("posted_by",)
    list_per_page = 50
    search_fields = ("title", "message")
    search_help_text = gettext_lazy("Search in titles and messages")
    date_hierarchy = "posted_at"
    actions = ("post_again",)

    class Media:
        css = {"all": ["notifications/admin.css"]}
        js = [Script("notifications/editor.js", type="module")]

    @admin.display(description=gettext_lazy("level"), ordering="level")
    def level_badge(self, notification: Notification) -> SafeString:
        return format_html(
            '<span class="level-badge" data-level="{}">{}</span>', notification.level, notification.get_level_display()
        )

    @admin.display(description=gettext_lazy("message"))
    def excerpt(self, notification: Notification) -> str:
        return Truncator(" ".join(notification.message.split())).chars(80)

    @admin.display(description=gettext_lazy("posted by"), ordering="posted_by")
    def posted_by_name(self, notification: Notification) -> str | None:
        return notification.author or None

    def get_fieldsets(self, request: HttpRequest, obj: Notification | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": (*publishing.CONTENT, *AUDIENCE, "submission")})]
        return [
            (None, {"fields": (*publishing.CONTENT, *AUDIENCE)}),
            (None, {"fields": (("posted_by_name", "posted_at"),)}),
        ]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "people" and not _may_see_people(request):
            # Who types a number into the page can choose nobody but who is chosen already.
            match = request.resolver_match
            chosen = Notification.people.through._default_manager.filter(
                notification=match.kwargs.get("object_id") if match else None
            )
            users = get_user_model()._default_manager
            options["queryset"] = users.filter(pk__in=chosen.values("user"))
        return super().formfield_for_manytomany(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: Notification, form: Any, change: bool) -> None:
        if change:
            event = publishing.edit(obj, audience=form.audience)
            if event is None:
                _report(request, messages.INFO, _("Nothing was changed, so nothing was sent."))
            else:
                text = _("Edited: “{title}” is up to date on every open page within a second (seq {seq}).")
                _report(request, messages.SUCCESS, text, title=_linked(obj), seq=event.seq)
            return
        obj.posted_by = request.user  # type: ignore[assignment]  # the admin lets in nobody anonymous
        event = publishing.post(obj, key=form.key, audience=form.audience)
        if event.repeated and obj.pk is None:
            # Posted from this very form and recalled since: who saves it once more wants it back.
            event = publishing.post(obj, audience=form.audience)
        if event.repeated:
            text = _(
                "“{title}” was posted already (seq {seq}): the form arrived twice, the notification went out once."
            )
            _report(request, messages.WARNING, text, title=_linked(obj), seq=event.seq)
        else:
            text = _("Posted: “{title}” is on every open page within a second (seq {seq}).")
            if form.audience.kind != Kind.EVERYONE:
                text = _("Posted: “{title}” is on the open pages of its audience within a second.")
            _report(request, messages.SUCCESS, text, title=_linked(obj), seq=event.seq)

    def delete_model(self, request: HttpRequest, obj: Notification) -> None:
        self._recall(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        self._recall(request, queryset)

    @admin.action(description=gettext_lazy("Post again, as new notifications"), permissions=["add"])
    def post_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        """Post copies of the selected notifications, oldest first, in the name of who asked for it."""
        seqs = []
        with transaction.atomic():
            for original in queryset.order_by("posted_at", "pk"):
                content = {name: getattr(original, name) for name in publishing.CONTENT}
                copy = Notification(**content, posted_by=request.user)  # type: ignore[misc]  # as above
                seqs.append(publishing.post(copy, audience=original.reaches).seq)
                self.log_addition(request, copy, [{"added": {}}])
        text = ngettext(
            "Posted again: {count} notification is on every open page within a second (seq {seqs}).",
            "Posted again: {count} notifications are on every open page within a second (seq {seqs}).",
            len(seqs),
        )
        self.message_user(request, text.format(count=len(seqs), seqs=_run(seqs)), messages.SUCCESS)

    def get_urls(self) -> list[URLPattern]:
        # First: Django's own list ends with a path that catches everything.
        size = path("audience/", self.admin_site.admin_view(self.audience_size), name="notifications_audience_size")
        return [size, *super().get_urls()]

    def audience_size(self, request: HttpRequest) -> HttpResponse:
        """Answer how many people the audience in the query has: `{"size": 12}`."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        if request.GET.getlist("people") and not _may_see_people(request):
            raise PermissionDenied  # one could find out by trying who is a user here
        chosen = {
            name: [
                int(pk) for pk in request.GET.getlist(name)[:1_000] if pk.isascii() and pk.isdigit() and len(pk) < 19
            ]
            for name in (Kind.GROUPS.value, Kind.PEOPLE.value)
        }
        return JsonResponse({"size": size(request.GET.get("audience", ""), **chosen)})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Notification.DoesNotExist:
            # [race] Recalled by somebody else between the moment this request read it and the edit.
            self.message_user(
                request, _("This notification was recalled meanwhile; nothing was saved."), messages.ERROR
            )
            return HttpResponseRedirect(reverse("admin:notifications_notification_changelist"))

    def message_user(
        self, request: HttpRequest, message: Any, level: int | str = messages.INFO, *args: Any, **options: Any
    ) -> None:
        # Django's own words for a save or a deletion ("was added successfully") make room for ours: one message,
        # not two.
        level, message = request.__dict__.pop("_publishing_report", (level, message))
        super().message_user(request, message, level, *args, **options)

    def _recall(self, request: HttpRequest, notifications: Any) -> None:
        seqs = [event.seq for event in publishing.recall(notifications)]
        text = ngettext(
            "Recalled: {count} notification leaves every open page within a second (seq {seqs}). "
            "Its text can no longer be read back from the log.",
            "Recalled: {count} notifications leave every open page within a second (seq {seqs}). "
            "Their text can no longer be read back from the log.",
            len(seqs),
        )
        if seqs:
            _report(request, messages.SUCCESS, text, count=len(seqs), seqs=_run(seqs))


def _may_see_people(request: HttpRequest) -> bool:
    user_meta = get_user_model()._meta
    return request.user.has_perm(f"{user_meta.app_label}.view_{user_meta.model_name}")


def _report(request: HttpRequest, level: int, text: str, **values: Any) -> None:
    """Have `message_user` say this when Django announces the end of the current action."""
    request.__dict__["_publishing_report"] = (level, format_html(text, **values) if values else text)


def _linked(notification: Notification) -> SafeString:
    address = reverse("admin:notifications_notification_change", args=[notification.pk])
    return format_html('<a href="{}">{}</a>', address, notification.title)


def _run(seqs: Sequence[int]) -> str:
    """Return "7" for one seq, "7–9" for several that were appended together."""
    return str(seqs[0]) if len(seqs) == 1 else f"{seqs[0]}–{seqs[-1]}"
