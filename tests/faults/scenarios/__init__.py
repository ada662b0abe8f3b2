"""The scenarios, one file each, in the order in which `make faults` runs them."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import (
    absent_valkey,
    cut_replies,
    killed_web_process,
    lost_valkey,
    many_writers,
    restarted_database,
    rolling_restart,
    sqlite_writers,
    stalled_readers,
    strange_cursors,
    subscribing_races,
    wrong_clock,
)

SCENARIOS: dict[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        killed_web_process,
        lost_valkey,
        absent_valkey,
        restarted_database,
        stalled_readers,
        rolling_restart,
        many_writers,
        cut_replies,
        strange_cursors,
        subscribing_races,
        sqlite_writers,
        wrong_clock,
    )
}
