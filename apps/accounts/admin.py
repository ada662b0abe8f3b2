"""The admin's own pages about passwords: as watched as the site's."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from apps.accounts.forms import SetPasswordForm

admin.site.unregister(User)


@admin.register(User)
class WatchedUserAdmin(UserAdmin):
    """Django's, but who sets somebody's password is in the audit trail."""

    change_password_form: Any = SetPasswordForm
