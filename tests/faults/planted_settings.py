"""The settings that people run, with tests/faults/planted.py in place of the application."""

from realtime_site.settings import *  # noqa: F403

ASGI_APPLICATION = "tests.faults.planted.application"
