"""Clients that wait for an answer and ask again: what a delivery costs with its request."""

import time
from collections.abc import Iterator

from apps.benchmark.measurement import Measured
from apps.benchmark.measuring.fan_out import AT_MOST_S, of_deliveries
from apps.benchmark.peers import TOPIC, Peer
from apps.benchmark.scenario import Load, Scenario
from apps.benchmark.stage import Stage

WARM_UP = Load("warm-up", 4, 2)


def measure(stage: Stage, scenario: Scenario, peer: Peer) -> Iterator[Measured]:
    """Let all clients wait, and publish."""
    (load,) = scenario.loads
    first = 1 + WARM_UP.events
    with stage.driver() as driver, stage.subject(peer) as subject:
        cursor = ""
        if peer.is_ours:
            cursor = subject.ask("GET", f"/feed/poll?topic={TOPIC}&after=now").json["cursor"]
        driver.tell(
            "long_poll",
            addresses=subject.addresses,
            clients=scenario.clients,
            request=subject.request("long_poll", cursor="{cursor}"),
            cursor=cursor,
            warm_up=WARM_UP.events,
            first=first,
            events=load.events,
            at_most_s=AT_MOST_S,
        )
        # All of them wait: the questions have been read.
        time.sleep(scenario.clients / 1_000)
        subject.publish(1, WARM_UP.events, WARM_UP.rate_per_s, load.size_bytes)
        driver.hear()
        time.sleep(scenario.clients / 1_000)
        before_s = subject.cpu_s
        subject.publish(first, load.events, load.rate_per_s, load.size_bytes)
        driver.hear()
        cpu_s = subject.cpu_s - before_s
        yield of_deliveries(load.name, driver.hear(), cpu_s)
