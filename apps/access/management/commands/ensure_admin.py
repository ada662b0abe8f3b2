"""`manage.py ensure_admin`: on a new site, make the admin and say the password once."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import IntegrityError, transaction

USERNAME = "admin"


class Command(BaseCommand):
    help = (
        "Make the admin user, with a generated password that is printed once, on a line `password: …` of its own. "
        "Does nothing on a site that has an administrator."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", default=USERNAME, help=f"name of the user to make (default: {USERNAME})")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user_model: type[User] = get_user_model()
        # Any administrator will do: who renamed `admin`, or made another, needs no second door.
        if user_model.objects.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        try:
            with transaction.atomic():
                user_model.objects.create_superuser(username, password=password)
        except IntegrityError:
            # Taken: by a process that started at the same time, or by a user without an administrator's rights.
            if user_model.objects.filter(username=username, is_superuser=True).exists():
                return
            self.stderr.write(
                f"No administrator: a user {username!r} exists already, without the rights. "
                f"Make another with `manage.py ensure_admin --username NAME`."
            )
            return
        self.stdout.write(
            "\nAn administrator was made for this new site. The password is shown this once:\n\n"
            f"user: {username}\n"
            f"password: {password}\n\n"
            f"To change it: open /account/password/, or run `manage.py changepassword {username}`.\n"
        )
