"""`manage.py change_epoch`: after a backup was restored, tell every reader to begin anew."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.events import log


class Command(BaseCommand):
    help = (
        "Give the log a new epoch, so that every reader's cursor is answered with a reset. Run it after a backup was "
        "restored, before the site starts: the places that were handed out since the backup will name other events."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"The log's epoch is {log.change_epoch()} now: every reader begins anew.")
