"""`manage.py create_api_key NAME --owner ada --topics 'lab.*'`: make a key for a service, and say it once."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.api.models import ApiKey
from apps.audit.actor import Actor, acting


class Command(BaseCommand):
    help = "Make an API key for a service that publishes. It is printed once, on a line `key: …` of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="which service has it, and where")
        parser.add_argument("--owner", required=True, help="the user in whose name it publishes")
        parser.add_argument(
            "--topics", nargs="+", required=True, help="where it may publish: lab.deploys, or 'lab.*' for all of lab"
        )

    def handle(self, *args: Any, name: str, owner: str, topics: list[str], **options: Any) -> None:
        user_model = get_user_model()
        try:
            user = user_model._default_manager.get_by_natural_key(owner)
        except user_model.DoesNotExist:
            raise CommandError(f"No key was made: there is no user {owner!r}.") from None
        try:
            with acting(Actor("command", name="create_api_key")):
                issued = ApiKey(name=name, owner=user, topics=" ".join(topics)).issue()
        except ValidationError as error:
            raise CommandError("\n".join(["No key was made.", *error.messages])) from None
        self.stdout.write(f"The key {issued.api_key.name!r} is shown this once:\n\nkey: {issued.text}\n")
