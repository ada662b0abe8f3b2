"""Ask in-process, and read the frames of the answer."""

import json
from typing import Any

from django.test import AsyncClient

ANSWER = "/assistant/answer"
ANSWER_BY_SSE = "/assistant/answer/sse"


async def ask(question: str, lang: str | None = None, path: str = ANSWER) -> list[dict[str, Any]]:
    """Ask by GET and return all frames of the answer."""
    response = await AsyncClient().get(path, {"q": question} | ({"lang": lang} if lang else {}))
    assert response.status_code == 200, response.content
    return frames_of(await body_of(response), path)


async def body_of(response: Any) -> str:
    return b"".join([part async for part in response.streaming_content]).decode()


def frames_of(body: str, path: str) -> list[dict[str, Any]]:
    if path == ANSWER:
        return [json.loads(line) for line in body.splitlines()]
    return [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line.startswith("data: ")]


def text_of(frames: list[dict[str, Any]]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "text")
