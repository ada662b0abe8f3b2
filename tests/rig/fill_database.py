"""Migrate a site's database and make the accounts of the tests, in one process: starting Python is what takes time."""

from datetime import timedelta

import django
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from tests.rig.accounts import ACCOUNTS, Account


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    for account in ACCOUNTS:
        _make(account)


def _make(account: Account) -> None:
    # Models can be imported once Django is set up, no sooner.
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group, User
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    user = User.objects.create_user(
        account.username,
        pk=account.user_id,
        password=account.password,
        is_staff=account.is_staff,
        is_superuser=account.is_admin,
        is_active=account.is_active,
    )
    user.groups.set(Group.objects.get_or_create(name=name)[0] for name in account.groups)
    content = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    # Not through SessionStore.save, which insists on a random key.
    Session.objects.create(
        session_key=account.session_key,
        session_data=SessionStore().encode(content),
        expire_date=timezone.now() + timedelta(days=1),
    )


if __name__ == "__main__":
    main()
