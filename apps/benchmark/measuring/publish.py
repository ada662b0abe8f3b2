"""Publishers that append to one topic at the same time, and the same rows without order."""

import subprocess
import sys
from collections.abc import Iterator

from apps.benchmark.machine import children_on
from apps.benchmark.measurement import Measured
from apps.benchmark.peers import PROJECT, Peer, environment
from apps.benchmark.scenario import Scenario
from apps.benchmark.stage import Stage

_PUBLISHERS = "apps.benchmark.servers.publishers"


def measure(stage: Stage, scenario: Scenario, peer: Peer) -> Iterator[Measured]:
    """Let the publishers run for the scenario's time."""
    env = environment() | stage.backends(peer) | {"VAR_DIR": str(stage.folder)}
    words = [peer.name, str(scenario.clients), str(scenario.seconds)]
    with children_on(stage.both_cores):
        publishers = subprocess.run(
            [sys.executable, "-m", _PUBLISHERS, *words], env=env, cwd=PROJECT, capture_output=True, text=True
        )
    if publishers.returncode:
        raise RuntimeError(publishers.stderr)
    yield Measured("closed loop", {"publishes_per_s": float(publishers.stdout)})
