"""Responders that behave as a test needs it. Some run in daphne, and leave word in the file RECORD_PATH names."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from apps.assistant.responder import Piece, Text
from apps.transports.refusal import Refusal

RECORD_PATH = "ASSISTANT_TEST_RECORD"


def record(line: str) -> None:
    with Path(os.environ[RECORD_PATH]).open("a") as file:
        file.write(line + "\n")


class Waits:
    """Says one word and then thinks for ever."""

    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        record(f"asked {question}")
        try:
            yield Text("Well, ")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            record("cancelled")
            raise


class NeverWaits:
    """Talks for ever without a pause of its own."""

    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        record(f"asked {question}")
        try:
            while True:
                yield Text("and on ")
                await asyncio.sleep(0)
        finally:
            record("stopped")


class Fails:
    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        yield Text("The password is ")
        raise RuntimeError("secret detail")


class Refuses:
    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        raise Refusal(429, "quota", "The model has answered enough for today.", "Ask tomorrow.")
        yield


class TimesOutByItself:
    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        raise TimeoutError
        yield


class Thinks:
    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        yield Text("Let me think. ")
        await asyncio.Event().wait()


class HasBrokenCharacters:
    """What a model that cuts UTF-16 in the wrong place may say."""

    async def answer(self, question: str, language: str) -> AsyncGenerator[Piece, None]:
        yield Text("half an emoji: \ud83d")
        yield Text("line one\nline two\r\n\r\nevent: done\n\n")


class IsNone:
    """No responder at all."""
