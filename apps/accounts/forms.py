"""Django's forms, with what this site asks of them beside."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.validators import MaxLengthValidator


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
