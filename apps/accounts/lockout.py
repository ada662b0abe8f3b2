"""How many wrong passwords are too many, and what is said to who tried them.

django-axes counts them in the database, so that all processes know, for the site's page and the admin's alike. Three
sums are looked at: a user name from one address, one address whatever the name, one name wherever from. The second
stops who tries one password on many names, the third who tries from many addresses. It is high, since anybody can lock
out anybody that way.
"""

import math
from datetime import timedelta
from typing import Any

from axes.backends import AxesBackend, AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.access.client_address import client_address, network_address
from apps.accounts.told_to_wait import told_to_wait

# What is counted, and how many times SIGN_IN_ATTEMPTS it may be.
COUNTED: dict[tuple[str, ...], int] = {("username", "ip_address"): 1, ("ip_address",): 10, ("username",): 20}


class Backend(AxesBackend):
    """Django's own, for those who did not fail too often."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **rest: Any
    ) -> AbstractBaseUser | None:
        """Return the user with this name and password, or None.

        Raises:
            PermissionDenied: there were too many failures.
        """
        AxesStandaloneBackend.authenticate(self, request, username, password, **rest)
        user = ModelBackend.authenticate(self, request, username, password, **rest)
        if user is not None:
            # [race] A password takes a while to check. Of a thousand guesses that come in one moment none has been
            # counted when they are let through; when the right one among them is found, the wrong ones have.
            AxesStandaloneBackend.authenticate(self, request, username, password, **rest)
        return user


class Attempts(AxesDatabaseHandler):
    """The failures of the last SIGN_IN_LOCKOUT_S seconds."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return how many there were, each sum measured by its own limit: SIGN_IN_ATTEMPTS and more are too many."""
        sums = (sum(failures for _, failures in rows) for rows in self._counted(request, credentials))
        return max(total // times for total, times in zip(sums, COUNTED.values(), strict=True))

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Forget, after a success, what this name failed from this address.

        Not what was failed from there on other names: a guesser with an account of his own would begin anew at will.
        """
        own, *_ = self.filter_user_attempts(request, credentials)
        return own.delete()[0]

    def wait_s(self, request: HttpRequest, credentials: dict[str, Any] | None) -> int:
        """Return the seconds, 1 or more, after which enough of the failures have been forgotten to try again."""
        free_at = timezone.now()
        for rows, times in zip(self._counted(request, credentials), COUNTED.values(), strict=True):
            left = sum(failures for _, failures in rows)
            for failed_at, failures in rows:
                if left < settings.SIGN_IN_ATTEMPTS * times:
                    break
                left -= failures
                free_at = max(free_at, failed_at + timedelta(seconds=settings.SIGN_IN_LOCKOUT_S))
        return max(1, math.ceil((free_at - timezone.now()).total_seconds()))

    def _counted(self, request: HttpRequest, credentials: dict[str, Any] | None) -> list[list[tuple[Any, int]]]:
        rows = (attempts.order_by("attempt_time") for attempts in self.get_user_attempts(request, credentials))
        return [list(attempts.values_list("attempt_time", "failures_since_start")) for attempts in rows]


def lockout_address(request: HttpRequest) -> str | None:
    """Return the address that failures are counted for, see `network_address`; None where it is not known."""
    address = client_address(request)
    return None if address is None else str(network_address(address))


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """Answer whoever failed too often: 429 with Retry-After, and a page that says when to try again."""
    attempts = AxesProxyHandler.get_implementation()
    wait_s = attempts.wait_s(request, request.axes_credentials)  # type: ignore[attr-defined]  # axes puts it there
    return told_to_wait(request, "accounts/locked_out.html", wait_s)
