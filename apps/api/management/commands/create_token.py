"""`manage.py create_token ada --topics 'lab.*' --rights read history --life 900`: make a token, and print it."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.access import tokens
from apps.access.identity import Right
from apps.api.issuing import hand_out
from apps.audit.actor import Actor, acting


class Command(BaseCommand):
    help = "Make a token for a client without a cookie. Only the token is printed, on a line of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="whose rights it has, as far as it reaches")
        parser.add_argument(
            "--topics", nargs="+", required=True, help="what it reaches: lab.deploys, or 'lab.*' for all of lab"
        )
        parser.add_argument(
            "--rights",
            nargs="+",
            choices=[right.value for right in Right],
            default=["read", "history"],
            help="what it may do there (default: read history)",
        )
        parser.add_argument(
            "--life",
            type=int,
            default=tokens.DEFAULT_LIFE_S,
            help=f"seconds that it counts, at most {settings.TOKEN_LIFE_MAX_S} (default: {tokens.DEFAULT_LIFE_S})",
        )

    def handle(self, *args: Any, user: str, topics: list[str], rights: list[str], life: int, **options: Any) -> None:
        user_model = get_user_model()
        try:
            owner = user_model._default_manager.get_by_natural_key(user)
            with acting(Actor("command", name="create_token")):
                issued = hand_out(owner, " ".join(topics), [Right(right) for right in rights], life)
        except user_model.DoesNotExist:
            raise CommandError(f"No token was made: there is no user {user!r}.") from None
        except ValidationError as error:
            raise CommandError("\n".join(["No token was made.", *error.messages])) from None
        except ValueError as error:
            raise CommandError(f"No token was made: {error}.") from None
        self.stdout.write(issued.text)
