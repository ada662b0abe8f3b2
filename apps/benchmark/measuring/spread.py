"""The same clients on one process and on several: what further cores are worth."""

from collections.abc import Iterator

from apps.benchmark.measurement import Measured
from apps.benchmark.measuring.fan_out import AT_MOST_S, SILENCE_S, WARM_UP, of_deliveries
from apps.benchmark.peers import Peer
from apps.benchmark.scenario import Scenario
from apps.benchmark.stage import Stage


def measure(stage: Stage, scenario: Scenario, peer: Peer) -> Iterator[Measured]:
    """Publish, and leave what arrives in the kernel until all of it is there: the cores are the servers' alone."""
    with stage.driver() as driver, stage.subject(peer, on_cores=stage.both_cores) as subject:
        driver.connect(subject.addresses, scenario.clients, subject.request(scenario.door), peer.ready)
        first = 1
        for load in (WARM_UP, *scenario.loads):
            silence_s = 1.0 if load is not WARM_UP else SILENCE_S / 4
            driver.tell("sink", first=first, events=load.events, silence_s=silence_s, at_most_s=AT_MOST_S)
            before_s = subject.cpu_s
            subject.publish(first, load.events, load.rate_per_s, load.size_bytes)
            driver.hear()
            cpu_s = subject.cpu_s - before_s
            received = driver.hear()
            first += load.events
        figures = of_deliveries(load.name, received, cpu_s).figures
        # When an event arrived is not known here, only when the last one had.
        shown = ("deliveries", "deliveries_per_s", "cpu_us_per_delivery", "lost", "duplicated", "out_of_order")
        yield Measured(load.name, {name: figures[name] for name in shown if name in figures})
