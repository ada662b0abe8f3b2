"""A run's picture: how late each delivery was, door by door, with the faults marked; or what says more than that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("agg")  # no display

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from apps.benchmark.palette import LINES
from tests.faults.checker import History, latenesses

# Told apart without colour too: by their shape.
_MARKERS = {"short_poll": "o", "long_poll": "s", "sse": "^", "fetch_stream": "D", "websocket": "x"}
_MAX_POINTS = 4_000  # per door: more hide each other
_FLOOR_S = 0.0005


def draw_timeline(history: History, began_s: float, title: str, path: Path) -> None:
    """Write the timeline as a PNG.

    Args:
        began_s: the zero of its time axis.
        path: where to.
    """
    doors = {client.name: client.door for client in history.clients}
    points: dict[str, list[tuple[float, float]]] = {door: [] for door in _MARKERS}
    for name, seen_s, late_s in latenesses(history):
        points[doors[name]].append((seen_s - began_s, max(late_s, _FLOOR_S)))
    figure, axes = pyplot.subplots(figsize=(9, 4.5), layout="constrained")
    for door, found in points.items():
        if found:
            at_s, late_s = zip(*_latest_and_a_sample(found), strict=True)
            style = {"marker": _MARKERS[door], "color": LINES[door]}
            axes.scatter(at_s, late_s, s=9, linewidths=0.7, label=door, alpha=0.7, **style)
    for number, fault_s in enumerate(history.faults_s):
        axes.axvline(fault_s - began_s, color="black", linewidth=0.8, linestyle="--", label="" if number else "fault")
    axes.set(yscale="log", xlabel="seconds", ylabel="seconds until a client saw an event", title=title)
    _save(figure, axes, path)


@dataclass(frozen=True)
class Answered:
    """What a door made of a cursor: its answer, after how many seconds, and whether it was the one expected."""

    cursor: str
    door: str
    took_s: float
    answer: str
    is_right: bool


def draw_answers(answered: Sequence[Answered], title: str, path: Path) -> None:
    """Write a picture of answers as a PNG: a row for each cursor, with its answer beside it where all doors agree."""
    rows = list(dict.fromkeys(one.cursor for one in answered))
    answers = {row: sorted({one.answer for one in answered if one.cursor == row}) for row in rows}
    figure, axes = pyplot.subplots(figsize=(9, 0.8 + 0.3 * len(rows)), layout="constrained")
    for door, marker in _MARKERS.items():
        here = [one for one in answered if one.door == door]
        at = [rows.index(one.cursor) for one in here]
        axes.scatter([one.took_s for one in here], at, s=22, marker=marker, color=LINES[door], label=door, alpha=0.8)
    if wrong := [one for one in answered if not one.is_right]:
        at_s, at = [one.took_s for one in wrong], [rows.index(one.cursor) for one in wrong]
        axes.scatter(at_s, at, s=160, facecolors="none", edgecolors="black", label="not as expected")
    axes.set_yticks(range(len(rows)), [f"{row}  →  {' or '.join(answers[row])}" for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="seconds until the answer, all asked at once", title=title)
    axes.xaxis.set_minor_formatter(NullFormatter())  # where all are within a decade they would cover each other
    _save(figure, axes, path)


def draw_appends(
    appended_s: Mapping[int, float],
    took_s: Mapping[int, float],
    reads: Sequence[tuple[float, int]],
    bar_s: float,
    title: str,
    path: Path,
) -> None:
    """Write a timeline of writers and readers without a site between them as a PNG.

    Args:
        appended_s: when each seq was there, on the clock of `time.monotonic`.
        took_s: how long its append took.
        reads: when a reader had read, and up to which seq.
        bar_s: what 99 of 100 appends may take.
    """
    began_s = min(appended_s.values(), default=0.0)
    appends = [(appended_s[seq] - began_s, seconds) for seq, seconds in took_s.items()]
    behind = [(at_s - began_s, max(at_s - appended_s[seq], _FLOOR_S)) for at_s, seq in reads if seq in appended_s]
    figure, axes = pyplot.subplots(figsize=(9, 4.5), layout="constrained")
    for points, marker, colour, label in (
        (behind, "x", LINES["websocket"], "until a reader had it"),
        (appends, "o", LINES["sse"], "an append took"),
    ):
        if points:
            at_s, seconds = zip(*_latest_and_a_sample(points), strict=True)
            axes.scatter(at_s, seconds, s=7, marker=marker, color=colour, linewidths=0.7, label=label, alpha=0.5)
    axes.axhline(bar_s, color="black", linewidth=0.8, linestyle="--", label=f"{bar_s:g} s, the bar of the p99 append")
    axes.set(yscale="log", xlabel="seconds", ylabel="seconds", title=title)
    _save(figure, axes, path)


def _latest_and_a_sample(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points that are highest, and a sample of the rest: what is interesting is never left out."""
    ordered = sorted(points, key=lambda point: -point[1])
    return ordered[: _MAX_POINTS // 2] + ordered[_MAX_POINTS // 2 :: max(1, len(ordered) // (_MAX_POINTS // 2))]


def _save(figure: Figure, axes: Axes, path: Path) -> None:
    axes.title.set_fontsize(10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
