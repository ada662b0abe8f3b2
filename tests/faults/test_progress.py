"""An interrupted run goes on where it was, and says how long it still takes."""

from pathlib import Path

import pytest

from tests.faults import progress as kept
from tests.faults.load import Shape
from tests.faults.progress import Progress, Remaining, expected_s, read_outcome
from tests.faults.report import Played, save, table
from tests.faults.scenario import Length, Outcome
from tests.faults.scenarios import SCENARIOS
from tests.rig.figure import Figure

MINUTE = Length(60, Shape(), None)


def test_what_was_measured_is_known_to_the_next_run_until_all_is(tmp_path: Path) -> None:
    path = tmp_path / "var" / "faults.json"
    run = Progress(path, ["--quick", "R1", "R2"])
    run.keep()
    assert Progress.of_interrupted(path).measured == []
    run.note("R1")

    again = Progress.of_interrupted(path)

    assert (again.words, again.measured) == (["--quick", "R1", "R2"], ["R1"])
    again.end()
    with pytest.raises(FileNotFoundError):
        Progress.of_interrupted(path)


def test_a_dry_run_keeps_nothing() -> None:
    run = Progress(None, [])
    run.note("R1")
    run.end()


def test_figures_of_an_interrupted_run_are_in_the_table_as_they_were(tmp_path: Path) -> None:
    figures = [Figure("lost", 0, at_most=0), Figure("gap max", 11.5, "s", at_most=10)]
    played = Played(SCENARIOS["R1"], Outcome(figures, load="light", findings=["a gap"]), 61.3, length=MINUTE)
    save(played, tmp_path)

    outcome, took_s = read_outcome("R1", tmp_path)

    assert (outcome.figures, outcome.load, outcome.findings, took_s) == (figures, "light", ["a gap"], 61.3)
    assert table([Played(SCENARIOS["R1"], outcome, took_s)]) == table([played])
    assert "11.5 s | ≤ 10 | **missed** |" in table([played])


def test_a_scenario_is_expected_to_take_what_it_took_the_last_time_at_this_length(tmp_path: Path) -> None:
    scenario = SCENARIOS["R1"]
    assert expected_s(scenario, MINUTE, tmp_path) == 60 + kept.AROUND_S
    save(Played(scenario, Outcome([]), 97.0, length=MINUTE), tmp_path)
    assert expected_s(scenario, MINUTE, tmp_path) == 97
    assert expected_s(scenario, Length(15, Shape(), None), tmp_path) == 15 + kept.AROUND_S
    assert expected_s(scenario, Length(0, Shape(), 500), tmp_path) == kept.COUNTED_S


def test_what_was_played_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 100.0, 130.0, 1_000.0])
    monkeypatch.setattr(kept.time, "monotonic", lambda: next(clock))
    remaining = Remaining([(SCENARIOS[name], MINUTE) for name in ("R1", "R2", "R3")], tmp_path)
    remaining.begins("R2")
    assert remaining.words().startswith("about 4 min left, until ")  # 240 s less the 30 that R2 has been running
    assert remaining.words().startswith("about 2 min left, until ")  # R2 took longer than expected; R3 is left
