"""Results: pairing by round, the bars, and the way to disk and back."""

from pathlib import Path

import pytest

from apps.benchmark import results as kept
from apps.benchmark.bars import BARS, Bar, Figure
from apps.benchmark.charts import LABELS
from apps.benchmark.palette import INK, LINES, RULE
from apps.benchmark.peers import PEERS
from apps.benchmark.plots import STYLES
from apps.benchmark.results import Record, Results, Spread
from apps.benchmark.scenario import SCENARIOS
from apps.benchmark.table import bars_table, in_short

CPU = "cpu_us_per_delivery"


@pytest.fixture
def results() -> Results:
    found = Results("2026-11-24T10:00:00+00:00", "manage.py benchmark", {"cores": "2"})
    found.scenarios["websocket-1000"] = {"kind": "fan_out", "title": "t", "loads": (), "peers": ["site", "node-ws"]}
    for number, ours, theirs in ((1, 10.0, 20.0), (2, 30.0, 40.0), (3, 8.0, 10.0)):
        found.records.append(Record("websocket-1000", "site", number, "paced", {CPU: ours}))
        found.records.append(Record("websocket-1000", "node-ws", number, "paced", {CPU: theirs}))
    return found


def ratio(bar: float) -> Bar:
    ours, theirs = (Figure("websocket-1000", peer, "paced", CPU) for peer in ("site", "node-ws"))
    return Bar("ratio", ours, theirs, bar, 0.1)


def test_ratio_is_made_of_the_figures_of_one_round(results: Results) -> None:
    assert ratio(0.8).spread(results) == Spread(0.5, 0.75, 0.8)


def test_round_in_which_one_peer_failed_has_no_ratio(results: Results) -> None:
    results.records = [r for r in results.records if (r.round, r.peer) != (2, "node-ws")]
    assert ratio(0.8).spread(results) == Spread(0.5, 0.65, 0.8)


def test_median_decides_whether_a_bar_is_kept(results: Results) -> None:
    spread = ratio(0.75).spread(results)
    assert spread is not None
    assert ratio(0.75).is_kept(spread)
    assert not ratio(0.7).is_kept(spread)


def test_table_marks_a_missed_bar_in_words(results: Results) -> None:
    assert "÷ Node ws, paced | ≤ 0.8 | 0.65 | 0.50 | **0.75** | 0.80 | kept |" in bars_table(results)
    results.records[0].figures[CPU] = results.records[2].figures[CPU] = 100.0
    assert "**missed**" in bars_table(results)


def test_in_short_the_bars_that_are_kept_are_counted_and_the_ratios_to_node_told(results: Results) -> None:
    assert in_short(results) == "**1 of 1 bars are kept.**"
    for scenario, node in (("websocket-1000", "node-ws"), ("sse-1000", "node-express")):
        for load, ours in (("paced", 9.0), ("burst", 2.0)):
            results.records = [r for r in results.records if (r.scenario, r.load) != (scenario, load)]
            results.records += [
                Record(scenario, peer, 1, load, {CPU: value}) for peer, value in (("site", ours), (node, 10.0))
            ]
    assert in_short(results) == (
        "**2 of 4 bars are kept.** To tell 1,000 browsers of an event costs 0.90 of the processor time that Node takes "
        "over WebSocket and 0.90 over SSE at ten events a second; 0.20 and 0.20 at two hundred."
    )


def test_results_read_back_as_they_were_written(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path)
    again = kept.latest(tmp_path)
    assert again is not None
    assert again.records == results.records
    assert again.machine == results.machine


def test_no_results_are_no_error(tmp_path: Path) -> None:
    assert kept.latest(tmp_path) is None


def test_every_bar_and_every_scenario_names_what_exists() -> None:
    for bar in BARS:
        for figure in (bar.figure, bar.divided_by):
            if figure is not None:
                scenario = SCENARIOS[figure.scenario]
                assert figure.peer in scenario.peers
                assert not scenario.loads or figure.load in {load.name for load in scenario.loads}
    for scenario in SCENARIOS.values():
        for peer in scenario.peers:
            assert not scenario.door or scenario.door in PEERS[peer].paths


def test_plots_have_the_sites_colours_and_no_two_peers_look_alike() -> None:
    assert set(STYLES) == set(LABELS)
    assert {colour for colour, *_ in STYLES.values()} <= {*LINES.values(), INK, RULE}
    together = [style for peer, style in STYLES.items() if peer != "node-express"]  # beside node-ws in no plot
    assert len({(colour, marker) for colour, marker, _ in together}) == len(together)
    assert len({marker for _, marker, _ in together}) == len(together)
