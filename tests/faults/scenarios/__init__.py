"""The scenarios, one file each, in the order in which `make faults` runs them."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import (
    absent_valkey,
    cut_replies,
    held_connections,
    killed_web_process,
    lost_valkey,
    many_writers,
    rejoining_crowd,
    restarted_database,
    rolling_restart,
    silent_network,
    soak,
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
        silent_network,
        stalled_readers,
        rolling_restart,
        many_writers,
        cut_replies,
        strange_cursors,
        subscribing_races,
        rejoining_crowd,
        sqlite_writers,
        soak,
        held_connections,
        wrong_clock,
    )
}
