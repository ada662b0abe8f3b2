"""README.md, README.zh-Hans.md and docs/SCALING.md against the newest report of `make bench`."""

import re
from dataclasses import asdict

import pytest

from apps.benchmark import quotes
from apps.benchmark.results import Record, Results
from apps.benchmark.scenario import SCENARIOS

FIGURES = (
    "cpu_us_per_delivery",
    "cpu_us_per_connect",
    "cpu_us_per_request",
    "kb_per_connection",
    "publishes_per_s",
    "requests_per_s",
    "deliveries_per_s",
    "p99_ms",
    "threads",
)


@pytest.mark.parametrize("document", quotes.DOCUMENTS)
def test_document_quotes_the_newest_report(document: str) -> None:
    text = (quotes.PROJECT / document).read_text()
    asked = re.findall("<!-- quoted from the newest benchmark: (.+?) -->", text)
    assert asked
    assert set(asked) <= set(quotes.QUOTES)
    assert quotes.quoted(text, quotes.newest(), quotes.DOCUMENTS[document]) == text, "run `manage.py benchmark --quote`"


def whole() -> Results:
    found = Results("2026-11-24T10:00:00+00:00", "manage.py benchmark", {"cores": "2"})
    found.scenarios = {name: asdict(scenario) for name, scenario in SCENARIOS.items()}
    return found


def test_what_a_run_did_not_measure_is_said_in_place_of_a_figure() -> None:
    run = whole()
    page = "<!-- quoted from the newest benchmark: one-process -->\nold\n<!-- end of quote -->\n"
    assert "has not measured this: cpu_us_per_delivery of site in websocket-1000, paced" in quotes.quoted(
        page, run, "en"
    )
    assert "没有测量" in quotes.quoted(page, run, "zh-hans")
    for scenario, peer, load, figure in (
        ("websocket-1000", "site", "paced", "cpu_us_per_delivery"),
        ("websocket-5000", "site", "paced", "cpu_us_per_delivery"),
        ("hold-websocket-2000", "site", "hold", "kb_per_connection"),
        ("hold-websocket-2000", "site-crowd", "hold", "cpu_us_per_connect"),
    ):
        run.records.append(Record(scenario, peer, 1, load, {figure: 20.0}))
    assert "1,000 clients, 10 events a second, 20 µs: 20% of a core" in quotes.quoted(page, run, "en")


def test_only_a_whole_run_in_full_size_is_quoted() -> None:
    assert quotes.is_quotable(whole())
    interrupted = whole()
    interrupted.interrupted = True
    assert not quotes.is_quotable(interrupted)
    small = whole()
    small.scenarios["sse-1000"]["clients"] = 6
    assert not quotes.is_quotable(small)
    partial = whole()
    del partial.scenarios["sse-1000"]
    assert not quotes.is_quotable(partial)


@pytest.mark.parametrize("document", quotes.DOCUMENTS)
def test_run_that_measured_everything_fills_every_quote(document: str) -> None:
    run = whole()
    for name, scenario in SCENARIOS.items():
        for peer in scenario.peers:
            for load in [*(load.name for load in scenario.loads), "hold", "closed loop"]:
                figures = dict.fromkeys(FIGURES, 20.0)
                run.records.append(Record(name, peer, 1, load, figures))
    text = (quotes.PROJECT / document).read_text()
    filled = quotes.quoted(text, run, quotes.DOCUMENTS[document])
    assert "| not measured |" not in filled
    assert "has not measured this" not in filled
    assert "没有测量" not in filled
    assert quotes.quoted(text, None, "en") != filled
    assert quotes.quoted(filled, quotes.newest(), quotes.DOCUMENTS[document]) == text
