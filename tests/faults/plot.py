"""A run's timeline: how late each delivery was, door by door, with the faults marked."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")  # no display

from matplotlib import pyplot

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
        found.sort(key=lambda point: -point[1])
        # The latest ones and a sample of the rest: what is interesting is never left out.
        shown = found[: _MAX_POINTS // 2] + found[_MAX_POINTS // 2 :: max(1, len(found) // (_MAX_POINTS // 2))]
        if shown:
            at_s, late_s = zip(*shown, strict=True)
            axes.scatter(at_s, late_s, s=9, marker=_MARKERS[door], linewidths=0.7, label=door, alpha=0.7)
    for number, fault_s in enumerate(history.faults_s):
        axes.axvline(fault_s - began_s, color="black", linewidth=0.8, linestyle="--", label="" if number else "fault")
    axes.set(yscale="log", xlabel="seconds", ylabel="seconds until a client saw an event", title=title)
    axes.title.set_fontsize(10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
