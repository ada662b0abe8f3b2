"""Where the trail is read and searched, and nothing is changed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from apps.audit.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """For who may view audit entries; nobody may add, change or delete one."""

    list_display = ("at", "action", "name", "via", "key", "address", "subject", "detail")
    list_filter = ("action", "via", "at")
    list_per_page = 100
    search_fields = ("name", "key", "address", "subject", "detail")
    search_help_text = gettext_lazy("Search who, API key, address, subject and detail")
    date_hierarchy = "at"
    show_full_result_count = False  # it would count the whole table for each search

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
