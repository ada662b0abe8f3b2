"""A client's words in the log stay within their record."""

import json
import logging
from logging.config import DictConfigurator

import pytest
from django.conf import settings

from tests.rig.site import Site

FORGED = "2026-01-01 00:00:00,000 ERROR forged: the site is down"
BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


@pytest.fixture(params=["plain", "json"])
def written(request: pytest.FixtureRequest):
    """Return what writes a message in one of the site's two formats, as lines."""
    formatter = DictConfigurator({}).configure_formatter({**settings.LOGGING["formatters"][request.param]})

    def write(message: str, *words: str, error: Exception | None = None) -> list[str]:
        what = (type(error), error, None) if error else None
        text = formatter.format(logging.LogRecord("site", logging.WARNING, __file__, 1, message, words, what))
        # Lines of JSON end with a line feed and nothing else.
        return text.split("\n") if request.param == "json" else text.splitlines()

    return write


@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
def test_a_line_break_in_what_a_client_sent_begins_no_line(written, line_break: str) -> None:
    assert len(written("%s broke", f"/{line_break}{FORGED}")) == 1


def test_an_error_that_quotes_a_client_begins_no_record(written) -> None:
    lines = written("broke", error=ValueError(f"no such name: \r\n{FORGED}"))
    assert "the site is down" in "".join(lines)
    assert not any(line.startswith(FORGED[:10]) for line in lines[1:])


def test_what_would_move_a_terminals_cursor_is_written_out(written) -> None:
    assert not any("\x1b" in line for line in written("%s", "\x1b[2K\x1b[1A"))


def test_words_in_every_script_stay_as_they_are(written) -> None:
    (line,) = written("%s", "通知 – 🔔")
    assert "通知 – 🔔" in (json.loads(line)["message"] if line.startswith("{") else line)


def test_no_address_writes_a_line_of_the_log(live_site: Site) -> None:
    with live_site.client() as client:
        for path in ("/no-such-page%0D%0AFORGED", "/api/topics/lab.x%0AFORGED/events", "/feed/%E2%80%A8FORGED"):
            assert client.get(path).status_code in (404, 405)
    assert "FORGED" in live_site.log
    assert not any(line.startswith("FORGED") for line in live_site.log.splitlines())
