"""The pages about one's account, on Django's own views: sessions, tokens and hashes are theirs."""

import hashlib
import unicodedata
from typing import Any

from asgiref.sync import async_to_sync
from axes.utils import reset
from django.contrib.auth import views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from apps.access import limits
from apps.access.client_address import counted_as
from apps.access.limits import TooOften
from apps.accounts.forms import SignInForm
from apps.accounts.told_to_wait import told_to_wait
from apps.audit import actor, trail
from apps.audit.models import Action


@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show whom the site takes one for, and what one may do about it."""
    groups = request.user.groups.values_list("name", flat=True)
    return render(request, "accounts/account.html", {"groups": groups})


class SignIn(views.LoginView):
    """Ask for name and password; then on to `next`, where that is an address of this site, else to the account.

    The session gets a new key with it: one that was planted before (session fixation) is worth nothing after. Who is
    signed in already is told so and not sent on: a redirect would tell pages of other sites that they are.
    """

    authentication_form = SignInForm
    template_name = "accounts/sign_in.html"


class SignOut(views.LogoutView):
    """End the session, in the database too; POST only, or a picture on another site could sign people out."""

    template_name = "accounts/signed_out.html"


class ChangePassword(views.PasswordChangeView):
    """Ask for the old password and the new one. This session goes on under a new key, all others end.

    The admin has it too, in its own looks. Each try counts: a browser that was left signed in is no place to guess at.
    """

    template_name = "accounts/change_password.html"
    success_url = reverse_lazy("accounts:password_changed")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _take("password_user", str(request.user.pk))
        except TooOften as error:
            return told_to_wait(request, "accounts/tried_too_often.html", error.retry_after_s)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        with transaction.atomic():
            trail.record(Action.PASSWORD_CHANGED)
            return super().form_valid(form)


class PasswordChanged(views.PasswordChangeDoneView):
    template_name = "accounts/password_changed.html"


class AskForReset(views.PasswordResetView):
    """Send a link to the address of an account. The answer is the same whether there is such an account or not.

    That includes the one for who asks too often: what is counted is the address that was typed.
    """

    template_name = "accounts/ask_for_reset.html"
    email_template_name = "accounts/reset_email.txt"
    subject_template_name = "accounts/reset_email_subject.txt"
    extra_email_context = {"site_title": _("Five Doors")}
    success_url = reverse_lazy("accounts:reset_sent")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _take("reset_address", counted_as(request.META.get("REMOTE_ADDR", "")))
            return super().post(request, *args, **kwargs)
        except TooOften as error:
            return told_to_wait(request, "accounts/asked_too_often.html", error.retry_after_s)

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        # Django finds an account by such a comparison: another spelling of its address is no other account.
        typed = unicodedata.normalize("NFKC", form.cleaned_data["email"]).casefold()
        # The sum, and not the address: Redis is no place for people's addresses.
        _take("reset_account", hashlib.sha256(typed.encode()).hexdigest()[:32])
        return super().form_valid(form)


class ResetSent(views.PasswordResetDoneView):
    template_name = "accounts/reset_sent.html"


class ResetPassword(views.PasswordResetConfirmView):
    """Take a new password from who has the link. All sessions of the account end."""

    template_name = "accounts/reset_password.html"
    success_url = reverse_lazy("accounts:password_reset")

    def form_valid(self, form: SetPasswordForm) -> HttpResponse:
        with transaction.atomic():
            trail.record(Action.PASSWORD_RESET, by=actor.of_request(self.request, user=self.user))
            response = super().form_valid(form)
        # Who reads the account's mail is no guesser, and has been kept waiting for long enough.
        reset(username=self.user.get_username())  # type: ignore[union-attr]  # without a user there is no form
        return response


class PasswordReset(views.PasswordResetCompleteView):
    template_name = "accounts/password_reset.html"


def _take(name: str, subject: str) -> None:
    """Count a request; the buckets belong to the event loop that this view's thread serves.

    Raises:
        TooOften: there were too many.
    """
    async_to_sync(limits.take)(name, subject)
