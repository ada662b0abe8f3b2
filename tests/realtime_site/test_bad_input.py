"""What `manage.py` says where its surroundings are wrong: one line that says what to do, and a fitting exit status."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.daphne import PEOPLES_SETTINGS, PROJECT, Daphne
from tests.rig.ports import free_port
from tests.rig.postgresql import PostgreSQL
from tests.rig.waiting import wait_until


class Serve(Daphne):
    """`manage.py serve`, ready when it has said where it is."""

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "serve", "--port", str(self.port)]

    def is_ready(self) -> bool:
        return "Ctrl-C stops the server" in self.log


def manage(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` on a site whose files are in `folder`."""
    surroundings = {"VAR_DIR": str(folder), "DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": ""}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=os.environ | PEOPLES_SETTINGS | surroundings | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def only_line(done: subprocess.CompletedProcess[str], status: int) -> str:
    """Return the only line on standard error of a command that ended with `status`."""
    assert done.returncode == status, done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture
def occupied() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", free_port())) as other:
        yield other.getsockname()[1]


WRONG = [
    ("LOG_FORMAT", "xml", "LOG_FORMAT is 'xml'; expected one of: plain, json."),
    ("LOG_LEVEL", "loud", "LOG_LEVEL is 'loud'; expected one of: DEBUG, INFO, WARNING, ERROR."),
    ("DEBUG", "perhaps", "DEBUG is 'perhaps'; expected true or false."),
    ("BEHIND_PROXY", "2", "BEHIND_PROXY is '2'; expected true or false."),
    ("TIME_ZONE", "Mars", "TIME_ZONE is 'Mars'; expected a name such as UTC, Europe/Berlin or Asia/Shanghai."),
    ("FEED_HEARTBEAT_S", "1s5", "FEED_HEARTBEAT_S is '1s5'; expected a number, at least 0.01."),
    ("FEED_HEARTBEAT_S", "nan", "FEED_HEARTBEAT_S is 'nan'; expected a number, at least 0.01."),
    ("FEED_STREAM_LIFE_MIN_S", "9999", "FEED_STREAM_LIFE_MIN_S is more than FEED_STREAM_LIFE_MAX_S; expected at most "
     "as much."),
    ("ASSISTANT_MAX_ANSWERS", "0", "ASSISTANT_MAX_ANSWERS is '0'; expected a whole number, at least 1."),
    ("REDIS_URL", "valkey:6379", "REDIS_URL is no address of a Redis; expected redis://host:6379/0, rediss:// or "
     "unix://."),
    ("DATABASE_URL", "mysql://u:hunter2@h/n", "DATABASE_URL names no database; expected sqlite:///folder/file.sqlite3 "
     "or postgresql://user:password@host:5432/name."),
    ("DATABASE_URL", "postgresql://u:hun/ter2@h/n", "DATABASE_URL can't be taken apart; expected postgresql://… with a "
     "name at its end, and characters that mean something in a URL percent-encoded in the password."),
    ("EMAIL_URL", "smtps://u:hunter2@h", "EMAIL_URL names no mail server; expected smtp+tls://user:password@host:587, "
     "smtp+ssl:// or smtp://, with characters that mean something in a URL percent-encoded in the password, or "
     "consolemail://."),
    ("ADMIN_ADDRESSES", "10.0.0.1/8", "ADMIN_ADDRESSES has '10.0.0.1/8'; expected addresses or networks, such as "
     "192.0.2.7 or 2001:db8::/32."),
    ("SECURITY_CONTACT", "security@example.org", "SECURITY_CONTACT is 'security@example.org'; expected "
     "mailto:security@example.org, https://… or tel:…."),
    ("CSRF_TRUSTED_ORIGINS", "https://a.example,news.example.org", "CSRF_TRUSTED_ORIGINS has 'news.example.org'; "
     "expected origins with their scheme and without a path, such as https://news.example.org."),
    ("CSRF_TRUSTED_ORIGINS", "https://a.example/", "CSRF_TRUSTED_ORIGINS has 'https://a.example/'; "
     "expected origins with their scheme and without a path, such as https://news.example.org."),
    ("TOKEN_ORIGINS", "app.example.org", "TOKEN_ORIGINS has 'app.example.org'; expected origins with their scheme and "
     "without a path, such as https://news.example.org, or *."),
    ("TOKEN_ORIGINS", "https://*.example.org", "TOKEN_ORIGINS has 'https://*.example.org'; expected origins with their "
     "scheme and without a path, such as https://news.example.org, or *."),
    ("ASSISTANT_RESPONDER", "no.such.Thing", "ASSISTANT_RESPONDER is 'no.such.Thing', which can't be imported (No "
     "module named 'no'); expected the dotted name of a class, such as apps.assistant.guide_responder.GuideResponder."),
    ("ASSISTANT_RESPONDER", "apps.api.bodies.Parrot", "ASSISTANT_RESPONDER is 'apps.api.bodies.Parrot', which can't be "
     'imported (Module "apps.api.bodies" does not define a "Parrot" attribute/class); expected the dotted name of a '
     "class, such as apps.assistant.guide_responder.GuideResponder."),
    ("SIGN_IN_ATTEMPTS", "0", "SIGN_IN_ATTEMPTS is '0'; expected a whole number, at least 1."),
    ("SECRET_KEY_FILE", "/missing", "SECRET_KEY_FILE is '/missing', which can't be read (No such file or directory); "
     "correct the path, or the file's permissions."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "line"), WRONG, ids=[f"{name}={value}" for name, value, _ in WRONG])
def test_a_wrong_variable_is_named_with_what_was_expected(tmp_path: Path, name: str, value: str, line: str) -> None:
    assert only_line(manage(tmp_path, "check", **{name: value}), os.EX_CONFIG) == f"error: {line}"


def test_origins_are_taken_as_browsers_send_them(tmp_path: Path) -> None:
    show = "from django.conf import settings as s; print(s.CSRF_TRUSTED_ORIGINS, s.TOKEN_ORIGINS)"
    given = {
        "CSRF_TRUSTED_ORIGINS": "https://News.example, http://*.wide.example:8080",
        "TOKEN_ORIGINS": "*,app://[::1]",
    }
    done = manage(tmp_path, "shell", "--no-imports", "-c", show, **given)
    assert done.stdout == "['https://news.example', 'http://*.wide.example:8080'] ['*', 'app://[::1]']\n", done.stderr


def test_serve_says_it_in_the_same_line(tmp_path: Path) -> None:
    line = only_line(manage(tmp_path, "serve", LOG_FORMAT="xml"), os.EX_CONFIG)
    assert line == "error: LOG_FORMAT is 'xml'; expected one of: plain, json."


def test_a_variable_of_the_pool_is_held_to_its_kind(tmp_path: Path) -> None:
    env = {"DATABASE_URL": "postgresql://site@127.0.0.1/site", "DATABASE_POOL_SIZE": "many"}
    line = only_line(manage(tmp_path, "check", **env), os.EX_CONFIG)
    assert line == "error: DATABASE_POOL_SIZE is 'many'; expected a whole number, at least 1."


@pytest.mark.parametrize(("env", "kept"), [({}, True), ({"DATABASE_PREPARED_STATEMENTS": "false"}, False)])
def test_a_site_behind_a_pooler_has_no_statements_kept(tmp_path: Path, env: dict[str, str], kept: bool) -> None:
    show = "from django.conf import settings; print('prepare_threshold' in settings.DATABASES['default']['OPTIONS'])"
    url = "postgresql://site@127.0.0.1/site"
    done = manage(tmp_path, "shell", "--no-imports", "-c", show, DATABASE_URL=url, **env)
    assert done.stdout == f"{kept}\n", done.stderr


def test_a_secret_in_a_file_is_taken_without_the_line_break_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("$ecret\n")
    show = "from django.conf import settings; print(ascii(settings.SECRET_KEY))"
    done = manage(tmp_path, "shell", "--no-imports", "-c", show, SECRET_KEY_FILE=str(tmp_path / "key"))
    assert done.stdout == "'$ecret'\n", done.stderr


@pytest.mark.parametrize("words", [["serve"], ["migrate", "--no-input"], ["post_notification", "x"], ["ensure_admin"]])
def test_a_database_server_that_is_away(tmp_path: Path, words: list[str]) -> None:
    env = {"DATABASE_URL": f"postgresql://site:hunter2@127.0.0.1:{free_port()}/site"}
    done = manage(tmp_path, *words, **env)
    assert "hunter2" not in done.stderr
    assert "Connection refused" in done.stderr.splitlines()[0]
    if words[0] == "post_notification":  # whose own words say what to do about the notification
        assert done.returncode == os.EX_TEMPFAIL
    else:
        line = only_line(done, os.EX_UNAVAILABLE)
        assert line.startswith("error: the database can't be reached (connection failed: ")
        assert line.endswith(" Start it, or correct DATABASE_URL.")


def test_a_database_that_does_not_exist(tmp_path: Path, postgresql: PostgreSQL) -> None:
    line = only_line(manage(tmp_path, "serve", DATABASE_URL=postgresql.url("missing")), os.EX_CONFIG)
    assert line.startswith("error: the database refuses this account (")
    assert line.endswith("). Correct DATABASE_URL.")


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_database_file_in_no_folder(tmp_path: Path, command: str) -> None:
    path = tmp_path / "missing" / "site.sqlite3"
    line = only_line(manage(tmp_path, command, DATABASE_URL=f"sqlite:///{path}"), os.EX_CANTCREAT)
    assert line.startswith(f"error: {path}: unable to open database file. Make its folder, let user ")


def test_a_database_without_the_tables(tmp_path: Path) -> None:
    line = only_line(manage(tmp_path, "ensure_admin"), os.EX_CONFIG)
    assert line == "error: the database lacks tables (no such table: auth_user). Run manage.py migrate."


def test_secrets_that_cannot_be_kept_name_the_user_who_has_to_write(tmp_path: Path) -> None:
    # Nobody may make a file there, not even root.
    made = (PROJECT / "deploy" / "make_secrets.py").read_text().replace("/secrets/", "/sys/")
    (tmp_path / "make_secrets.py").write_text(made)
    done = subprocess.run([sys.executable, "make_secrets.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert only_line(done, 1).endswith(f"Is the volume writable for user {os.geteuid()}?")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    line = only_line(manage(tmp_path / "var", "check"), os.EX_CANTCREAT)
    assert line.endswith("A folder is needed there; choose another: VAR_DIR=…")


def test_a_volume_without_write_permission() -> None:
    # Nobody may make a folder there, not even root, whom the permissions of a folder do not stop.
    line = only_line(manage(Path("/sys/site"), "check"), os.EX_NOPERM)
    assert line.startswith("error: /sys/site: ")
    assert line.endswith(f". Let user {os.geteuid()} write there, or choose another folder: VAR_DIR=…")


def test_a_port_in_use(tmp_path: Path, occupied: int) -> None:
    manage(tmp_path, "migrate", "--no-input")
    (tmp_path / "static").mkdir()
    line = only_line(manage(tmp_path, "serve", "--port", str(occupied)), os.EX_UNAVAILABLE)
    assert line == (
        f"CommandError: 127.0.0.1:{occupied} is in use. Stop the other program, or choose another port: "
        f"--port {occupied + 1}, or PORT={occupied + 1}."
    )


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("HOST", "no.such.host.invalid"), ("HOST", "192.0.2.1")]
)
def test_an_address_that_is_none(tmp_path: Path, name: str, value: str) -> None:
    done = manage(tmp_path, "serve", **{name: value})
    assert done.returncode == os.EX_CONFIG
    assert value in done.stderr.splitlines()[-1]


def test_a_redis_that_is_away_is_said_at_once_and_keeps_nobody_from_serving(tmp_path: Path) -> None:
    manage(tmp_path, "migrate", "--no-input")
    (tmp_path / "static").mkdir()
    env = {"VAR_DIR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    with Serve(tmp_path, env) as server:
        wait_until(lambda: "channel layer unwell" in server.log, "the server to say that Redis is away")
        assert "readers poll the log instead" in server.log
        assert server.running
