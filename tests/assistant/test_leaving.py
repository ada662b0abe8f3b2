"""A reader who leaves in the middle, with daphne in between."""

from collections.abc import Iterator

import httpx
import pytest

from tests.assistant.asking import ANSWER, ANSWER_BY_SSE
from tests.assistant.responders import RECORD_PATH
from tests.rig.waiting import wait_until

BOTH = pytest.mark.parametrize("path", [ANSWER, ANSWER_BY_SSE], ids=["fetch", "sse"])


@pytest.fixture
def record(tmp_path):
    """Where the responder within daphne leaves word."""
    path = tmp_path / "record"
    path.touch()
    return path


@pytest.fixture
def served_by(site, record):
    """Start a site that answers one question at a time, by a responder of tests/assistant/responders.py."""

    def start(name: str):
        return site(
            env={
                "ASSISTANT_RESPONDER": f"tests.assistant.responders.{name}",
                "ASSISTANT_MAX_ANSWERS": "1",
                RECORD_PATH: str(record),
            }
        )

    return start


def _read_until_text(response: httpx.Response) -> Iterator[str]:
    """Read up to the first text frame and return what follows; httpx hangs up when nobody holds that any more."""
    assert response.status_code == 200
    lines = response.iter_lines()
    assert any('"type":"text"' in line for line in lines)
    return lines


@BOTH
def test_responder_is_cancelled_when_the_reader_leaves_and_its_place_is_free_again(path, served_by, record):
    with served_by("Waits").client() as client:
        with client.stream("GET", path, params={"q": "first"}) as response:
            _rest = _read_until_text(response)
            assert record.read_text() == "asked first\n"
        wait_until(lambda: record.read_text() == "asked first\ncancelled\n", "the responder to be cancelled")

        with client.stream("GET", path, params={"q": "second"}) as response:
            _read_until_text(response)
        wait_until(lambda: record.read_text().count("cancelled") == 2, "the second answer to be cancelled too")


@BOTH
def test_responder_that_never_waits_is_stopped_as_well(path, served_by, record):
    with served_by("NeverWaits").client() as client:
        with client.stream("GET", path, params={"q": "a story"}) as response:
            _read_until_text(response)
        wait_until(lambda: record.read_text() == "asked a story\nstopped\n", "the responder to be stopped")


def test_first_frame_comes_before_the_responder_has_thought(served_by):
    with (
        served_by("Waits").client() as client,
        client.stream("POST", ANSWER, json={"q": "What is SSE?"}) as response,
    ):
        assert next(response.iter_lines()) == '{"type":"ready","language":"en"}'
