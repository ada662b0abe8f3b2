"""`manage.py prune_audit`: forget what is too old, where too little happens for it to go by itself."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.audit import trail


class Command(BaseCommand):
    help = "Delete audit entries older than AUDIT_KEEP_DAYS. Each hundredth new entry does the same."

    def handle(self, *args: Any, **options: Any) -> None:
        pruned = trail.prune()
        self.stdout.write(f"Deleted: {pruned} audit entries older than {settings.AUDIT_KEEP_DAYS} days.")
