"""Connections that do nothing: memory, threads, and what it took to open them."""

import time
from collections.abc import Iterator

from apps.benchmark.measurement import Measured
from apps.benchmark.peers import Peer
from apps.benchmark.scenario import Scenario
from apps.benchmark.stage import Stage

# Opened first and kept, so that what only the first connections cost is not spread over the others.
FIRST = 50
SETTLE_S = 1.0


def measure(stage: Stage, scenario: Scenario, peer: Peer) -> Iterator[Measured]:
    """Open the connections and look at the server."""
    with stage.driver() as first, stage.driver() as driver, stage.subject(peer) as subject:
        request = subject.request(scenario.door)
        first.connect(subject.addresses, FIRST, request, peer.ready)
        time.sleep(SETTLE_S)
        before_bytes, before_s = subject.resident_bytes, subject.cpu_s
        took_s = driver.connect(subject.addresses, scenario.clients, request, peer.ready)
        cpu_s = subject.cpu_s - before_s
        time.sleep(SETTLE_S)
        held_bytes = subject.resident_bytes - before_bytes
        idle_s = subject.cpu_s
        time.sleep(SETTLE_S)
        yield Measured(
            "hold",
            {
                "kb_per_connection": held_bytes / 1024 / scenario.clients,
                "threads": subject.threads,
                "connects_per_s": scenario.clients / took_s,
                "cpu_us_per_connect": cpu_s / scenario.clients * 1e6,
                "idle_cpu_percent": (subject.cpu_s - idle_s) / SETTLE_S * 100,
            },
        )
