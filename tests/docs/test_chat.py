"""The conversations of docs/CHAT.md, replayed, and its tables, held to the code."""

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from apps.chat import chat_error, consumer, presence, room
from apps.events import log, queries
from apps.events.models import LogEpoch
from tests.chat.conftest import NamedPerson, Person
from tests.chat.conftest import room as room_of_this_test  # noqa: F401  (a fixture)

CHAT = (Path(__file__).parents[2] / "docs" / "CHAT.md").read_text()
CONVERSATIONS = re.findall(r"```conversation\n(.*?)\n```", CHAT, re.DOTALL)
SOURCES = "".join(path.read_text() for path in Path(consumer.__file__).parent.glob("*.py"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=["plain text", "chat.v1.json"])
async def test_the_conversation_is_what_happens(room_of_this_test, monkeypatch, conversation):  # noqa: F811
    await queries.run(LogEpoch.objects.update_or_create, id=1, defaults={"value": "k3f9"})
    monkeypatch.setattr(log.timezone, "now", lambda: datetime(2026, 11, 22, 8, tzinfo=UTC))
    senders = iter(["a1" * 8, "b2" * 8])
    monkeypatch.setattr(consumer, "new_sender", lambda: next(senders))
    people: dict[str, Person] = {}
    # What one person hears after one step may come in any order: lines and presence have ways of their own.
    for (name, verb), steps in itertools.groupby(conversation.split("\n"), lambda step: step.split(" ")[:2]):
        words = [step.split(" ", 2)[2:] for step in steps]
        if verb == "connects":
            people[name] = room_of_this_test(NamedPerson(**dict(parse_qsl(words[0][0].removeprefix("with ")))))
            await people[name].comes()
        elif verb == "leaves":
            await people[name].goes()
        elif verb == ">":
            await people[name].says(words[0][0])
        else:
            if name not in people:
                people[name] = await room_of_this_test(Person()).comes()
            assert sorted([await people[name].hears() for _ in words]) == sorted(text for (text,) in words)


def table_under(heading: str) -> list[list[str]]:
    """Return the cells of the tables between a heading and the next."""
    section = CHAT.split(f"# {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.split("\n") if line.startswith("| ")]
    return [row for row in rows if row[0] not in ("code", "frame", "query")]


def test_every_error_code_is_described_and_no_other():
    described = {row[0].strip("`") for row in table_under("Errors") if row[0].startswith("`")}
    raised = set(re.findall(r'ChatError\(\s*"(\w+)"', SOURCES))
    assert described == raised
    assert chat_error.ChatError.__doc__


def test_the_limits_are_those_of_the_code():
    for number in (
        f"{room.LINE_CHARS:,} characters",
        f"at most {room.NAME_CHARS} characters",
        f"a frame of more than {room.FRAME_CHARS:,}",
        f"| {room.HISTORY_LINES} |",
        f"{consumer.LINES_AT_ONCE} lines at once, or {consumer.LINES_PER_S:g} a second",
        f"{consumer.FRAMES_AT_ONCE} frames at once, or {consumer.FRAMES_PER_S:g} a second",
        f"at most every {consumer.TYPING_EVERY_S:g} s",
        f"at most {presence.MAX_LISTED} of them",
        f"every {presence.ANNOUNCE_EVERY_S:g} s",
        f"silent for {presence.ANNOUNCE_EVERY_S * presence.FORGET_AFTER_ANNOUNCEMENTS:g} s",
    ):
        assert number in re.sub(r"\s+", " ", CHAT)
