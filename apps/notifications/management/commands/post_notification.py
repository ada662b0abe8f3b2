"""`manage.py post_notification "Title" "message"`: post from a shell or a script."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure

from apps.audit.actor import Actor, acting
from apps.events.log import EventRejected
from apps.notifications import publishing
from apps.notifications.models import Level, Notification


class Command(BaseCommand):
    help = "Post a notification: every open page shows it at once, as if it had been posted in the admin."
    requires_system_checks = []  # it starts in half the time, and the pages need not be in order for it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("title", help="one line, at most 200 characters")
        parser.add_argument("message", nargs="?", default="", help="plain text, at most 3,000 characters")
        parser.add_argument("--level", choices=Level.values, default=Level.INFO.value, help="(default: %(default)s)")
        parser.add_argument("--link", default="", help="https://… or a path of this site, such as /guide/")
        parser.add_argument(
            "--key", help="a name of your own for this post: run again with the same key, it is not posted twice"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        notification = Notification(**{name: options[name] for name in publishing.CONTENT})
        try:
            with acting(Actor("command", name="post_notification")):
                event = publishing.post(notification, key=options["key"])
        except ValidationError as error:
            faults = [f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
            raise CommandError("\n".join(["Nothing was posted.", *faults])) from None
        except EventRejected as error:
            raise CommandError(f"Nothing was posted. {error}") from None
        except DatabaseFailure as error:
            raise CommandError(
                f"The database failed: {str(error).strip()}. Whether it was posted is unknown: "
                "run it again with a --key, the same one each time, to have it once.",
                returncode=75,  # EX_TEMPFAIL of sysexits.h: a script may try again
            ) from error
        if not event.repeated:
            self.stdout.write(self.style.SUCCESS(f"Posted: notification {notification.pk}, seq {event.seq}."))
        else:
            since = f"notification {notification.pk}" if notification.pk else "recalled since"
            self.stdout.write(f"Nothing was posted: this key was used before (seq {event.seq}, {since}).")
