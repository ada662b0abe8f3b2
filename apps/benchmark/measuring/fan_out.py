"""Events to many clients: what a delivery costs, how late it is, whether any is missing."""

from collections.abc import Iterator
from dataclasses import replace

from apps.benchmark.load_driver import LoadDriver
from apps.benchmark.measurement import Measured
from apps.benchmark.peers import Peer
from apps.benchmark.scenario import Load, Scenario
from apps.benchmark.stage import Stage, Subject

# A compiler at run time (Node's) needs some thousand deliveries to know what is worth compiling.
WARM_UP = Load("warm-up", 20, 50)
SILENCE_S = 4.0
AT_MOST_S = 40.0


def measure(stage: Stage, scenario: Scenario, peer: Peer) -> Iterator[Measured]:
    """Connect the clients, and then publish each load in turn."""
    with stage.driver() as driver, stage.subject(peer) as subject:
        before_s = subject.cpu_s
        took_s = driver.connect(subject.addresses, scenario.clients, subject.request(scenario.door), peer.ready)
        yield Measured(
            "connect",
            {
                "connects_per_s": scenario.clients / took_s,
                "cpu_us_per_connect": (subject.cpu_s - before_s) / scenario.clients * 1e6,
            },
        )
        number = 1
        for load in (WARM_UP, *scenario.loads):
            load = replace(load, events=max(3, load.events // 4)) if peer.is_slow else load
            measured = _publish(driver, subject, load, number, pong=scenario.door == "websocket")
            number += load.events
            if load.name != WARM_UP.name:
                yield measured


def _publish(driver: LoadDriver, subject: Subject, load: Load, first: int, pong: bool) -> Measured:
    driver.tell("collect", first=first, events=load.events, silence_s=SILENCE_S, at_most_s=AT_MOST_S, pong=pong)
    before_s = subject.cpu_s
    subject.publish(first, load.events, load.rate_per_s, load.size_bytes)
    driver.hear()
    cpu_s = subject.cpu_s - before_s
    return of_deliveries(load.name, driver.hear(), cpu_s)


def of_deliveries(name: str, received: dict, cpu_s: float) -> Measured:
    """Turn what the driver received, and what that cost the server, into figures."""
    deliveries, late_ms = received["deliveries"], received["late_ms"]
    if not deliveries:
        return Measured(name, {"deliveries": 0, "lost": received["lost"]})
    return Measured(
        name,
        {
            "deliveries": deliveries,
            "cpu_us_per_delivery": cpu_s / deliveries * 1e6,
            "deliveries_per_s": deliveries / received["seconds"],
            "bytes_per_delivery": received["bytes"] / deliveries,
            "p50_ms": late_ms["50"],
            "p99_ms": late_ms["99"],
            "max_ms": late_ms["100"],
            "lost": received["lost"],
            "duplicated": received["duplicated"],
            "out_of_order": received["out_of_order"],
            "broken": received["broken"],
            "driver_busy": received["driver_busy"],
        },
        late_ms,
    )
