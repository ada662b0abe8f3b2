"""docs/OPERATIONS.md against what the site says."""

import asyncio
import re
from pathlib import Path

from prometheus_client.metrics_core import Metric

from apps.events import feed
from apps.operations.metrics import SiteCollector

OPERATIONS = (Path(__file__).parents[2] / "docs" / "OPERATIONS.md").read_text()


async def families() -> list[Metric]:
    """Return the metrics of a process whose reader runs."""
    reader = feed.current()
    reader._complete_at = asyncio.get_running_loop().time()
    found = list(SiteCollector().collect())
    await reader.aclose()
    return found


def scraped_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


async def test_every_metric_is_in_the_table_with_its_label_and_every_row_is_a_metric():
    rows = dict(re.findall(r"^\| `(realtime_\w+)(?:\{(\w+)\})?` \|", OPERATIONS, re.MULTILINE))
    assert set(rows) == {scraped_name(family) for family in await families()}
    for family in await families():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == ({rows[scraped_name(family)]} - {""}), family.name


async def test_alerts_ask_for_metrics_that_exist():
    asked = set(re.findall(r"realtime_\w+", OPERATIONS.split("Worth a page")[1].split("\n## ")[0]))
    names = {scraped_name(family) for family in await families()}
    assert {name.removesuffix("_bucket") for name in asked} <= names
