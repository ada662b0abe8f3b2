"""The scenarios, one file each, in the order in which `make faults` runs them."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import (
    cut_replies,
    killed_web_process,
    subscribing_races,
)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        killed_web_process.SCENARIO,
        cut_replies.SCENARIO,
        subscribing_races.SCENARIO,
    )
}
