"""The settings under test, in surroundings of their own: nothing a developer keeps in var/ or .env takes part."""

import os
import tempfile
from pathlib import Path

# Before the real settings read the environment. Every process of a parallel run gets a folder of its own, which goes
# when the process ends; those that the tests start (tests/rig/site.py) are told theirs.
_folder = tempfile.TemporaryDirectory(prefix="realtime-tests-")
os.environ["VAR_DIR"] = _folder.name
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{_folder.name}/site.sqlite3"
os.environ["REDIS_URL"] = ""
# Tests ask as fast as they can; those of the limits set their own.
os.environ["CLIENT_LIMITS"] = "false"

# WhiteNoise warns where there is none.
(Path(_folder.name) / "static").mkdir()

from realtime_site.settings import *  # noqa: E402, F403

# Hashing passwords slowly on purpose only slows tests.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The hashed names need collectstatic; the sites that Chromium visits have it.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
