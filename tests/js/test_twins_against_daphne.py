"""The five JavaScript twins, in Node, against the site as people run it: what they promise holds on the real wire."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from apps.transports.registry import DOORS
from tests.conftest import StartSite
from tests.rig.editor import post
from tests.rig.site import Site
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.long(12)

FOLLOW = Path(__file__).parent / "rig" / "follow.js"
TWINS = [door.name for door in DOORS]


class Follower:
    """A Node process that follows topics over one transport.

    Args:
        node: path of Node.
        url: origin of the site.
        transport: the twin's name.
        options: what `subscribe()` takes besides.
    """

    def __init__(self, node: str, url: str, transport: str, options: dict[str, Any]) -> None:
        self.said: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            [node, str(FOLLOW), url, transport, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listening = Thread(target=self._listen, daemon=True)
        self._listening.start()

    @property
    def seqs(self) -> list[int]:
        """What arrived, in the order of arrival."""
        return [line["event"]["seq"] for line in self.said if "event" in line]

    @property
    def state(self) -> dict[str, Any]:
        """The newest state's detail."""
        return next((line["state"] for line in reversed(self.said) if "state" in line), {"state": "connecting"})

    @property
    def counts(self) -> dict[str, int]:
        return self.said[-1]["counts"]

    def close(self) -> None:
        """Let the subscription close, and wait for the process to end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._listening.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        self.said.extend(json.loads(line) for line in self._process.stdout)


@pytest.fixture
def follow(node: str) -> Iterator[Callable[..., dict[str, Follower]]]:
    """Follow topics over all five transports at once: `follow(site, topics=[…], after="start")`."""
    with ExitStack() as running:

        def start(site: Site, **options: Any) -> dict[str, Follower]:
            followers = {twin: Follower(node, site.url, twin, options) for twin in TWINS}
            for follower in followers.values():
                running.callback(follower.close)
            return followers

        yield start


def all_reach(followers: dict[str, Follower], condition: Callable[[Follower], bool], what: str) -> None:
    for twin, follower in followers.items():
        wait_until(partial(condition, follower), f"{what} [{twin}]")


@pytest.mark.timeout(300)  # two starts of a server, and two commands in processes of their own
def test_every_twin_gets_every_notification_once_though_the_server_crashes_and_restarts(
    site: StartSite, follow: Callable[..., dict[str, Follower]]
) -> None:
    running = site()
    server = running.processes[0]
    post(running, "before anyone was here")
    followers = follow(running, topics=["notifications", "chat.lobby"], after="start")
    all_reach(followers, lambda f: f.seqs == [1], "what was posted before")

    post(running, "while all are live")
    all_reach(followers, lambda f: f.seqs == [1, 2], "what was posted while live")

    server.kill()
    running.post_notification("during the crash")
    all_reach(followers, lambda f: f.state["state"] == "waiting", "noticing the crash")
    server.start()
    all_reach(followers, lambda f: f.seqs == [1, 2, 3], "what was posted during the crash")

    server.stop()
    running.post_notification("during the restart")
    server.start()
    all_reach(followers, lambda f: f.seqs == [1, 2, 3, 4], "what was posted during the restart")

    for follower in followers.values():
        assert follower.state["state"] == "live"
        assert (follower.counts["duplicates"], follower.counts["repairs"], follower.counts["resets"]) == (0, 0, 0)


def test_every_twin_is_refused_in_the_same_words(live_site: Site, follow: Callable[..., dict[str, Follower]]) -> None:
    followers = follow(live_site, topics=["user.1"])
    all_reach(followers, lambda f: f.state["state"] == "refused", "the refusal")
    for follower in followers.values():
        # A close frame holds 123 bytes, so a WebSocket's hint may stay behind.
        assert follower.state["message"].startswith("you may not read 'user.1'")


def test_every_twin_that_came_too_often_stays_away_as_long_as_it_is_told(
    site: StartSite, follow: Callable[..., dict[str, Follower]]
) -> None:
    running = site(env={"CLIENT_LIMITS": "true", "RATE_OPEN_ADDRESS": "1/min"})
    with running.client() as client:
        wait_until(lambda: client.get("/feed/poll?topic=lab.demo").status_code == 429, "the one that is allowed")
    followers = follow(running, topics=["lab.demo"])
    all_reach(followers, lambda f: f.state["state"] == "waiting", "the refusal")
    for follower in followers.values():
        assert follower.state["reason"] == "too_often"
        assert follower.state["waitMs"] > 20_000  # of its minute; without being told it would be 2 s at most


def test_every_twin_is_reset_from_another_history_and_goes_on(
    live_site: Site, follow: Callable[..., dict[str, Follower]]
) -> None:
    post(live_site, "in this history")
    followers = follow(live_site, topics=["notifications"], after="gone~notifications:99", last=1)
    all_reach(followers, lambda f: len(f.seqs) >= 1, "the last event")
    for follower in followers.values():
        resets = [line["reset"] for line in follower.said if "reset" in line]
        assert [(reset["reason"], reset["topics"]) for reset in resets] == [("epoch", ["notifications"])]
        assert follower.counts["duplicates"] == 0
