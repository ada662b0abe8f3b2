"""The page of results."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.benchmark.charts import WIDTH, charts, verdicts
from apps.benchmark.results import latest


def results_page(request: HttpRequest) -> HttpResponse:
    """Show the newest results that are kept, or say how to get some."""
    results = latest()
    context: dict[str, Any] = {"results": results}
    if results is not None:
        context |= {"charts": charts(results), "verdicts": verdicts(results), "width": WIDTH, "day": results.at[:10]}
    return render(request, "benchmark/results.html", context)
