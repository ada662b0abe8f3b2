"""docker-compose.yml and the Dockerfile, as far as they can be held to something without Docker."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()


def environment_of(service: str, folder: Path) -> dict[str, str]:
    """Return the environment that compose gives `service`, its secrets made by deploy/make_secrets.py's own words."""
    given = {name: os.path.expandvars(str(value)) for name, value in SERVICES[service]["environment"].items()}
    for name, value in given.items():
        if value.startswith("${"):
            given[name] = value.removeprefix("${").removesuffix("}").partition(":-")[2]
    files = {"DATABASE_URL_FILE": "postgresql://site:x@database:5432/site", "SECRET_KEY_FILE": "kQ7-vB2x" * 8}
    for name, secret in files.items():
        path = folder / Path(given[name]).name
        path.write_text(secret)
        given[name] = str(path)
    return given


def test_djangos_own_check_for_deployment_has_nothing_to_say(tmp_path: Path) -> None:
    inherited = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=inherited | PEOPLES_SETTINGS | environment_of("web", tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "ulimits"} <= set(service)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nobody_is_root(name: str) -> None:
    service = SERVICES[name]
    if "user" not in service:
        assert service["build"] == "."
    (of_the_image,) = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert service.get("user", of_the_image).partition(":")[0] not in ("", "0", "root")
    # The file of Caddy's image asks for this one, or the kernel does not start it.
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])


def test_every_new_volume_belongs_to_who_writes_into_it() -> None:
    """A volume takes over the owner of the folder it is mounted on, as long as it is empty."""
    first = dict(volume.split(":") for volume in SERVICES["secrets"]["volumes"])
    assert set(first) | {"database"} == set(COMPOSE["volumes"])
    (made,) = re.findall(r"install --directory --owner=10001 --group=10001 \\\n\s*(.+)$", DOCKERFILE, re.MULTILINE)
    assert set(made.split()) == set(first.values())
    of_the_proxy = [volume for volume in SERVICES["proxy"]["volumes"] if isinstance(volume, dict)]
    assert {volume["source"] for volume in of_the_proxy} == {"certificates", "proxy-config"}
    assert all(volume["volume"]["nocopy"] for volume in of_the_proxy)
    assert SERVICES["proxy"]["user"] == "10001:10001"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"secrets", "migrate"}))
def test_every_server_is_watched_and_started_again(name: str) -> None:
    assert "test" in SERVICES[name]["healthcheck"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert [name for name, service in SERVICES.items() if "outside" in service.get("networks", [])] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_every_variable_of_compose_is_documented_with_its_default() -> None:
    section = (PROJECT / "docs" / "OPERATIONS.md").read_text().split("\n## Settings of docker compose\n")[1]
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", section.split("\n## ")[0], re.MULTILINE))
    read = dict(re.findall(r"\$\{(\w+):-(.*?)\}", (PROJECT / "docker-compose.yml").read_text()))
    assert documented == {name: f"`{default}`" if default else "(empty)" for name, default in read.items()}


def test_further_settings_reach_the_sites_containers_from_a_file_that_may_be_missing() -> None:
    of_the_site = [name for name, service in SERVICES.items() if "SECRET_KEY_FILE" in service.get("environment", {})]
    assert of_the_site == ["migrate", "web"]
    for name in of_the_site:
        assert SERVICES[name]["env_file"] == [{"path": "site.env", "required": False}]
    assert "site.env" in (PROJECT / ".gitignore").read_text().splitlines()
    # Everything but what is named: no secret comes into the image.
    assert (PROJECT / ".dockerignore").read_text().startswith("*\n")


def test_in_development_a_new_migration_needs_no_new_image() -> None:
    development = yaml.safe_load((PROJECT / "docker-compose.dev.yml").read_text())["services"]
    assert development["migrate"]["volumes"] == development["web"]["volumes"]


def test_the_grace_period_is_longer_than_the_drain() -> None:
    from apps.server.limits import Limits

    assert float(SERVICES["web"]["stop_grace_period"].removesuffix("s")) > Limits().exit_s
