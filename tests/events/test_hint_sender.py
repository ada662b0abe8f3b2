"""Hints go out at once while few come, and together while many do."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from apps.events import hint_sender
from apps.events.hint_sender import HintSender
from tests.rig.waiting import await_until


class Sent(list[dict[str, int]]):
    """What was sent; each is on its way until `arrive` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.arrive = asyncio.Event()

    async def send(self, heads: Mapping[str, int]) -> None:
        self.append(dict(heads))
        await self.arrive.wait()


@pytest.fixture
async def sent() -> Sent:
    return Sent()


@pytest.fixture
async def sender(sent: Sent) -> HintSender:
    loop = asyncio.get_running_loop()
    return HintSender(sent.send, lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop))


async def test_what_comes_while_a_hint_is_on_its_way_goes_together_after_it(sender: HintSender, sent: Sent) -> None:
    sender.send_soon({"lab.a": 1})
    await await_until(lambda: sent, "the first")
    for head in (2, 4, 3):
        sender.send_soon({"lab.a": head, "lab.b": head})
    sent.arrive.set()
    await asyncio.to_thread(sender.wait, 60)
    assert sent == [{"lab.a": 1}, {"lab.a": 4, "lab.b": 4}]


async def test_after_a_pause_the_next_goes_at_once(sender: HintSender, sent: Sent) -> None:
    sent.arrive.set()
    for head in (1, 2):
        sender.send_soon({"lab.a": head})
        await asyncio.to_thread(sender.wait, 60)
        assert sent[-1] == {"lab.a": head}


async def test_after_a_hint_there_is_a_rest_as_long_as_it_took_several_times(
    sender: HintSender, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[float] = []
    monkeypatch.setattr(hint_sender, "rest_s", lambda took_s: rested.append(took_s) or 0.0)
    sender.send_soon({"lab.a": 1})
    await await_until(lambda: sent, "the first")
    await asyncio.sleep(0.05)
    sent.arrive.set()
    await await_until(lambda: rested, "the rest")
    assert rested[0] >= 0.04


async def test_publishers_in_many_threads_lose_no_hint(sent: Sent) -> None:
    sent.arrive.set()
    loop = asyncio.get_running_loop()
    starts: list[Coroutine[Any, Any, None]] = []

    def start(coroutine: Coroutine[Any, Any, None]) -> None:
        starts.append(coroutine)
        asyncio.run_coroutine_threadsafe(coroutine, loop)

    sender = HintSender(sent.send, start)

    def publish(first: int) -> None:
        for head in range(first, 4_000, 4):
            sender.send_soon({"lab.a": head})

    publishers: list[Callable[[], None]] = [lambda first=first: publish(first) for first in range(4)]  # type: ignore[misc]
    await asyncio.gather(*(asyncio.to_thread(publisher) for publisher in publishers))
    await asyncio.to_thread(sender.wait, 60)
    assert sent[-1]["lab.a"] <= max(heads["lab.a"] for heads in sent) == 3_999
    assert len(starts) <= len(sent)
