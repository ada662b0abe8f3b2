"""The page of results."""

from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from apps.benchmark import bars, charts, results
from apps.benchmark.results import Record, Results
from tests.demos.markup import Markup


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results.latest, "__defaults__", (tmp_path,))
    return tmp_path


def page(client: Client) -> Markup:
    response = client.get("/benchmark/")
    assert response.status_code == 200
    return Markup(response.content.decode())


def test_page_without_results_says_how_to_get_some(client: Client, folder: Path) -> None:
    text = page(client).text
    assert "No results yet" in text
    assert "make bench" in text


def test_page_shows_the_newest_run_with_its_verdicts(client: Client, folder: Path) -> None:
    for day, ours in (("2026-11-23", 99.0), ("2026-11-24", 12.5)):
        run = Results(f"{day}T10:00:00+00:00", "manage.py benchmark", {"cores": "2"})
        run.scenarios["websocket-1000"] = {"kind": "fan_out", "title": "", "loads": [], "peers": ["site", "node-ws"]}
        for peer, value in (("site", ours), ("node-ws", 25.0)):
            run.records.append(Record("websocket-1000", peer, 1, "paced", {"cpu_us_per_delivery": value}))
        run.save(folder)
    markup = page(client)
    assert "12.5" in markup.text
    assert "99" not in markup.text
    assert "kept" in markup.text
    widths = [float(rect["width"]) for rect in markup.all("rect")]
    assert widths == [500, 1000]  # the shortest first, the longest as wide as the chart


def test_every_bar_and_every_chart_is_translated() -> None:
    for text in (bar.words for bar in bars.BARS), (shown[1] for shown in charts._SHOWN), charts.LABELS.values():
        for words in text:
            with translation.override("en"):
                english = str(words)
            with translation.override("zh-hans"):
                assert str(words) != english
