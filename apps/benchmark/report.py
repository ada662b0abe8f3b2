"""The report of a run: JSON, Markdown and plots, named by its date."""

from pathlib import Path

from django.utils import translation

from apps.benchmark.plots import draw
from apps.benchmark.results import FOLDER, Results
from apps.benchmark.table import bars_table, driver_words, figures_tables


def write(results: Results, folder: Path = FOLDER) -> list[Path]:
    """Write the report to `folder` and return its files; an earlier one of the same day is replaced."""
    files = [results.save(folder)]
    plots = draw(results, folder)
    page = folder / f"{results.stem}.md"
    with translation.override("en"):
        page.write_text(_markdown(results, plots))
    return [*files, page, *plots]


def _markdown(results: Results, plots: list[Path]) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    parts = [
        f"# Benchmark, {results.at[:10]}",
        f"`{results.command}`: {machine}.",
        "Least, **median** and most of the rounds; a ratio is made of two figures of the same round. CPU is the server "
        "process's own time, all threads, by the scheduler's accounting: publishing and, for this site, the writing to "
        "the log included. All clients come from one address, so the limits of connections and rates are raised, not "
        "switched off. Who is signed in shares one session, which is looked up once in ten seconds, except where the "
        "table says otherwise. Latency counts from when an event was meant to be published. " + driver_words(results),
    ]
    if results.interrupted:
        parts.append("**The run was interrupted**: this is what it measured until then.")
    parts += ["## The bars", bars_table(results), "## Every figure", figures_tables(results)]
    if results.left_out:
        parts += ["## Not measured", "\n".join(f"- {why}" for why in results.left_out)]
    if plots:
        parts += [
            "## Plots",
            "\n\n".join(f"![{plot.stem.removeprefix(results.stem + '-')}]({plot.name})" for plot in plots),
        ]
    return "\n\n".join(parts) + "\n"
