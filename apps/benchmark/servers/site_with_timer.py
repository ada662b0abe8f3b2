"""The site itself, whole, with a timer that appends to its log: what is measured, under any ASGI server."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_site.settings")

from daphne.management.commands.runserver import get_default_application

site = get_default_application()

from apps.access.remembered import remembered
from apps.benchmark.servers.timer import event_of, with_timer
from apps.events import log

if "LOOKS_EVERYBODY_UP" in os.environ:
    remembered.age_s = 0.0  # as if each client came with a session of its own

TOPIC = "lab.benchmark"
# What the log writes around an event's data on the wire.
_ENVELOPE_BYTES = len(
    '{"topic":"lab.benchmark","seq":100,"type":"benchmark","time":"2026-11-22T08:00:00.000Z","data":}'
)


async def publish(number: int, due_ns: int, size_bytes: int) -> None:
    await log.aappend(TOPIC, "benchmark", event_of(number, due_ns, size_bytes - _ENVELOPE_BYTES))


application = with_timer(site, publish)
