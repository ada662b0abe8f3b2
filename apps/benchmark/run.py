"""A run: rounds of all scenarios, the peers of each one after the other, so that what the machine does hits all."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from apps.benchmark.machine import TooManyFiles, allow_files, cores, description
from apps.benchmark.measurement import Measured
from apps.benchmark.measuring import fan_out, hold, long_poll, publish, short_poll, spread
from apps.benchmark.peers import PEERS, node
from apps.benchmark.results import Record, Results
from apps.benchmark.scenario import Scenario
from apps.benchmark.stage import PortInUse, Stage

_MEASURE: Mapping[str, Callable] = {
    "fan_out": fan_out.measure,
    "hold": hold.measure,
    "short_poll": short_poll.measure,
    "long_poll": long_poll.measure,
    "publish": publish.measure,
    "spread": spread.measure,
}
# Besides its connections a process has its database, its log, its libraries open.
_OTHER_FILES = 200


class Run:
    """Measures scenarios and keeps what it has, however it ends.

    Args:
        scenarios: what to measure.
        peers: only these; None: all of each scenario.
        rounds: how often each peer is measured.
        minutes: no measurement is begun that would end later than this; the first round is measured in any case.
        port: first port for servers; None: free ones.
        say: is told of each step in a line.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        *,
        command: str,
        peers: Sequence[str] | None,
        rounds: int,
        minutes: float,
        port: int | None,
        say: Callable[[str], None],
    ) -> None:
        self._port = port
        self._say = say
        self.results = Results(
            at=datetime.now(UTC).isoformat(timespec="seconds"), command=command, machine=description(node())
        )
        self._minutes = minutes
        chosen: list[tuple[Scenario, list[str]]] = []
        for scenario in scenarios:
            able = self._able(scenario, [name for name in scenario.peers if peers is None or name in peers])
            if not able:
                continue
            chosen.append((scenario, able))
            self.results.scenarios[scenario.name] = asdict(scenario) | {
                "peers": able,
                "title": scenario.title.format(clients=f"{scenario.clients:,}"),
            }
            self.results.peers |= {name: PEERS[name].label for name in able}
        # Whole rounds one after the other, so that whatever ends the run early leaves something of each scenario; every
        # second round goes from the last peer to the first.
        self._steps = [
            (scenario, name, number)
            for number in range(1, rounds + 1)
            for scenario, able in chosen
            for name in (able if number % 2 else able[::-1])
        ]

    def go(self) -> Results:
        """Measure until all is done or Ctrl-C is pressed; the results say which.

        Raises:
            PortInUse: before anything is measured, or in between; `results` has what was measured.
        """
        if len(cores()) == 1:
            self._say("this machine has one core: servers and driver share it, and no figure is worth much")
        began = time.monotonic()
        took_s: dict[tuple[str, str], float] = {}  # what was measured before will take as long again
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, Stage(Path(folder), self._port) as stage:
            try:
                for done, (scenario, name, number) in enumerate(self._steps):
                    started = time.monotonic()
                    ends_s = started - began + took_s.get((scenario.name, name), 0.0)
                    if number > 1 and ends_s > self._minutes * 60:
                        self._leave_out(f"round {number} of {scenario.name}, {name}: {self._minutes:g} minutes were up")
                        continue
                    self._step(stage, scenario, name, number, _progress(done, len(self._steps), began))
                    took_s[scenario.name, name] = time.monotonic() - started
            except KeyboardInterrupt:
                self.results.interrupted = True
                self._say(f"interrupted after {done} of {len(self._steps)} measurements; what they found is kept")
        return self.results

    def _able(self, scenario: Scenario, names: Sequence[str]) -> list[str]:
        try:
            allow_files(scenario.clients + _OTHER_FILES)
        except TooManyFiles as error:
            self._leave_out(f"{scenario.name} {error}")
            return []
        able = []
        for name in names:
            if why := PEERS[name].missing():
                self._leave_out(f"{name} is left out of {scenario.name}: {why}")
            else:
                able.append(name)
        return able

    def _step(self, stage: Stage, scenario: Scenario, name: str, number: int, progress: str) -> None:
        step = f"{scenario.name}, round {number}, {name}"
        try:
            for measured in _MEASURE[scenario.kind](stage, scenario, PEERS[name]):
                self.results.records.append(
                    Record(scenario.name, name, number, measured.load, measured.figures, measured.late_ms)
                )
                self._say(f"{progress}  {step}, {measured.load}: {_in_short(measured)}")
        except PortInUse:
            raise
        # Whatever became of one peer, the others still have something to say.
        except Exception as error:
            self._leave_out(f"{step} failed: {_first_line(error)}")

    def _leave_out(self, why: str) -> None:
        if why not in self.results.left_out:
            self.results.left_out.append(why)
            self._say(why)


def _progress(done: int, total: int, began: float) -> str:
    passed_s = time.monotonic() - began
    left = f", {passed_s / done * (total - done) / 60:.0f} min left" if done > 2 else ""
    return f"[{done + 1:>3}/{total}{left}]"


def _in_short(measured: Measured) -> str:
    words = []
    for name, unit in (
        ("cpu_us_per_delivery", "µs CPU a delivery"),
        ("deliveries_per_s", "deliveries/s"),
        ("p99_ms", "ms p99"),
        ("requests_per_s", "requests/s"),
        ("publishes_per_s", "publishes/s"),
        ("kb_per_connection", "KB a connection"),
        ("threads", "threads"),
        ("cpu_us_per_connect", "µs CPU a connect"),
    ):
        if name in measured.figures:
            words.append(
                f"{measured.figures[name]:,.4g} {unit}"
                if measured.figures[name] < 1000
                else f"{measured.figures[name]:,.0f} {unit}"
            )
    if wrong := [
        f"{measured.figures[name]:.0f} {name}"
        for name in ("lost", "duplicated", "out_of_order")
        if measured.figures.get(name)
    ]:
        words.append(", ".join(wrong).upper())
    if measured.figures.get("driver_busy", 0) > 0.9:
        words.append("the driver was the bottleneck")
    return ", ".join(words)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    # A server's log ends with what was wrong.
    return f"{type(error).__name__}: {lines[0]}" + (f" … {lines[-1]}" if len(lines) > 1 else "")
