"""The plots of a report, as SVG: cost per delivery, growth with the number of clients, latency."""

from pathlib import Path

from apps.benchmark.palette import INK, LINES, RULE
from apps.benchmark.results import Results, Spread

# Colour, marker and stroke. Ours first, in one colour, whatever serves or stands behind it; told apart without colour
# too, by their markers.
STYLES = {
    "site": (LINES["fetch_stream"], "o", "-"),
    "site-redis": (LINES["fetch_stream"], "s", "--"),
    "site-daphne": (INK, "v", "--"),
    "site-uvicorn": (RULE, "^", ":"),
    "node-ws": (LINES["sse"], "D", "-"),
    "node-express": (LINES["sse"], "D", "-"),
    "channels-redis": (LINES["long_poll"], "x", "-"),
    "channels-memory": (LINES["short_poll"], "P", "--"),
    "queue-sse": (LINES["websocket"], "*", "-"),
}
_DOORS = {"websocket": "WebSocket", "sse": "SSE"}


def draw(results: Results, folder: Path) -> list[Path]:
    """Write the plots that `results` has figures for to `folder`, and return the files."""
    # Not needed to read a page of results, so not at the top: it takes half a second.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "benchmark", "svg.fonttype": "none", "font.size": 9}
    drawn = []
    for name, plot in (("growth", _growth), ("latency", _latency)):
        if (figure := plot(results)) is not None:
            path = folder / f"{results.stem}-{name}.svg"
            figure.savefig(path, metadata={"Date": None})
            drawn.append(path)
    return drawn


def _growth(results: Results):  # type: ignore[no-untyped-def]
    """CPU per delivery over the number of clients."""
    from matplotlib.figure import Figure

    points: dict[str, list[tuple[int, Spread]]] = {}
    for scenario, load, peer in results.measured():
        about = results.scenarios[scenario]
        spread = results.spread(scenario, peer, load, "cpu_us_per_delivery")
        if about["door"] == "websocket" and about["kind"] == "fan_out" and load == "burst" and spread:
            points.setdefault(peer, []).append((about["clients"], spread))
    points = {peer: sorted(found, key=lambda point: point[0]) for peer, found in points.items() if len(found) > 1}
    if not points:
        return None
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for peer, found in points.items():
        colour, marker, stroke = STYLES[peer]
        clients = [number for number, _ in found]
        medians = [spread.median for _, spread in found]
        below = [spread.median - spread.least for _, spread in found]
        above = [spread.most - spread.median for _, spread in found]
        label = results.peers[peer]
        style = {"color": colour, "marker": marker, "linestyle": stroke, "label": label}
        axes.errorbar(clients, medians, [below, above], capsize=3, **style)
    axes.set(xscale="log", xlabel="WebSocket clients", ylabel="µs CPU a delivery, burst", ylim=(0, None))
    axes.set_xticks(clients, [f"{number:,}" for number in clients])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _latency(results: Results):  # type: ignore[no-untyped-def]
    """How late deliveries were under the paced load: quantiles over all rounds."""
    from matplotlib.figure import Figure

    by_door: dict[str, dict[str, list[dict[str, float]]]] = {}
    for record in results.records:
        about = results.scenarios[record.scenario]
        if about["kind"] == "fan_out" and record.load == "paced" and record.late_ms and about["clients"] == 1_000:
            by_door.setdefault(about["door"], {}).setdefault(record.peer, []).append(record.late_ms)
    if not by_door:
        return None
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    all_axes = figure.subplots(1, len(by_door), sharey=True, squeeze=False)[0]
    for axes, (door, peers) in zip(all_axes, by_door.items(), strict=True):
        for peer, rounds in peers.items():
            colour, marker, stroke = STYLES[peer]
            quantiles = list(rounds[0])
            middle = [sorted(late[q] for late in rounds)[len(rounds) // 2] for q in quantiles]
            label = results.peers[peer]
            style = {"color": colour, "marker": marker, "linestyle": stroke, "label": label}
            axes.plot(range(len(quantiles)), middle, markersize=4, **style)
        axes.set(yscale="log", xlabel="% of deliveries at least as early", title=f"1,000 {_DOORS[door]} clients, paced")
        axes.set_xticks(range(len(quantiles)), quantiles)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    all_axes[0].set_ylabel("ms after it was due")
    return figure
