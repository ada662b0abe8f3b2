"""Django's forms, with what this site asks of them beside."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AdminPasswordChangeForm, AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.core.validators import MaxLengthValidator
from django.db import transaction

from apps.audit import trail
from apps.audit.models import Action


class SignInForm(AuthenticationForm):
    """Ask for name and password, and look at no name that is longer than names are.

    Django tells browsers alone how long that is. Such a name would be hashed for and then not fit into the tables of
    those who count failures, which could so be had without end.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["username"]
        field.validators.append(MaxLengthValidator(field.max_length))


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    """The same for the admin's own page, which lets in staff alone."""


class SetPasswordForm(AdminPasswordChangeForm):
    """Set somebody's password in the admin, or take it away, and write down whose."""

    def save(self, commit: bool = True) -> AbstractBaseUser:
        with transaction.atomic():
            whose: Any = self.user
            trail.record(Action.PASSWORD_CHANGED, subject=f"user:{whose.pk}", detail=whose.get_username())
            return super().save(commit)
