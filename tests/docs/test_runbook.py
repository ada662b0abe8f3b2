"""Backup, restore and the change of epoch, as docs/OPERATIONS.md tells them, word for word."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT
from tests.rig.postgresql import PostgreSQL
from tests.rig.site import Site

pytestmark = pytest.mark.long(12)

RUNBOOK = (PROJECT / "docs" / "OPERATIONS.md").read_text().split("\n## Backup and restore\n")[1].split("\n## ")[0]


def steps(heading: str) -> list[str]:
    """Return the commands below a heading of the runbook."""
    (block,) = re.findall(rf"^### {heading}$.*?^```sh\n(.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL)
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


def run(command: str, env: dict[str, str], folder: Path) -> None:
    done = subprocess.run(
        command, shell=True, cwd=folder, env=os.environ | PEOPLES_SETTINGS | env, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def cursor_at_the_end(site: Site) -> str:
    with site.client() as client:
        return client.get("/feed/poll", params={"topic": "notifications", "after": "start"}).json()["cursor"]


def answer_after(site: Site, cursor: str) -> dict[str, Any]:
    with site.client() as client:
        return client.get("/feed/poll", params={"topic": "notifications", "after": cursor}).json()


def follow(site: Site, backup: list[str], restore: list[str], env: dict[str, str], folder: Path) -> None:
    """Take a backup, lose what came after it, and see what readers are told who had seen that."""
    site.post_notification("in the backup")
    for command in backup:
        run(command, env, folder)
    site.post_notification("lost with the database")
    cursor = cursor_at_the_end(site)
    for command in restore:
        if command.endswith(("stop web", "stop the site")):
            for process in site.processes:
                process.stop()
        elif command.endswith(("start web", "start the site")):
            site.start()
        else:
            run(command, env, folder)
    # It takes the place of the one that was lost, and a reader who had seen that must not take it for seen.
    site.post_notification("after the restore")
    answer = answer_after(site, cursor)
    assert answer["reset"]["reason"] == "epoch"
    events = answer_after(site, "start")["events"]
    assert [event["data"]["title"] for event in events] == ["in the backup", "after the restore"]


def test_sqlite(site, tmp_path: Path) -> None:
    here: Site = site()
    (tmp_path / "var").symlink_to(here.folder)
    (tmp_path / "manage.py").symlink_to(PROJECT / "manage.py")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    follow(here, steps("SQLite: backup"), steps("SQLite: restore"), here.env, tmp_path)


def test_postgresql(site, postgresql: PostgreSQL, tmp_path: Path) -> None:
    here: Site = site(database="postgresql")
    name = here.database_url.rpartition("/")[2]
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS site")
        connection.execute("CREATE ROLE site LOGIN SUPERUSER")

    def here_instead_of_in_containers(command: str) -> str:
        command = command.replace("docker compose run --rm migrate ", f"cd {PROJECT} && ")
        command = command.replace("docker compose exec -T database ", f"{postgresql.programs}/")
        # Here the database has another name than its user.
        return re.sub(r"(?<!-U )(?<=[ =])site(?= |$)", name, command)

    programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env = here.env | programs | {"PGHOST": "127.0.0.1", "PGPORT": str(postgresql.port)}
    backup = [here_instead_of_in_containers(command) for command in steps("PostgreSQL: backup")]
    restore = [here_instead_of_in_containers(command) for command in steps("PostgreSQL: restore")]
    follow(here, backup, restore, env, tmp_path)
