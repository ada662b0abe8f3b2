"""The tables: the bars with what was measured beside them, and every figure of every peer."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.benchmark.bars import BARS, Figure
from apps.benchmark.results import Results, Spread

# The figures of a scenario's kind that are worth a column, with their heading.
COLUMNS = {
    "fan_out": (
        ("cpu_us_per_delivery", "CPU µs/delivery"),
        ("deliveries_per_s", "deliveries/s"),
        ("p50_ms", "p50 ms"),
        ("p99_ms", "p99 ms"),
        ("max_ms", "max ms"),
    ),
    "hold": (
        ("kb_per_connection", "KB/connection"),
        ("threads", "threads"),
        ("connects_per_s", "connects/s"),
        ("cpu_us_per_connect", "CPU µs/connect"),
        ("idle_cpu_percent", "CPU % when idle"),
    ),
    "short_poll": (
        ("requests_per_s", "requests/s"),
        ("cpu_us_per_request", "CPU µs/request"),
        ("p50_ms", "p50 ms"),
        ("p99_ms", "p99 ms"),
    ),
    "publish": (("publishes_per_s", "publishes/s"),),
    "spread": (("deliveries_per_s", "deliveries/s"), ("cpu_us_per_delivery", "CPU µs/delivery")),
}
COLUMNS["long_poll"] = COLUMNS["fan_out"]
_CONNECT_COLUMNS = (("connects_per_s", "connects/s"), ("cpu_us_per_connect", "CPU µs/connect"))
# Whose ratios to Node say most, by what they are called in `in_short`.
_OF_NODE = {
    Figure("websocket-1000", "site", "paced", "cpu_us_per_delivery"): "websocket_paced",
    Figure("sse-1000", "site", "paced", "cpu_us_per_delivery"): "sse_paced",
    Figure("websocket-1000", "site", "burst", "cpu_us_per_delivery"): "websocket_burst",
    Figure("sse-1000", "site", "burst", "cpu_us_per_delivery"): "sse_burst",
}
WRONG = ("lost", "duplicated", "out_of_order")


def number(value: float) -> str:
    """Return a value with as many digits as it deserves: three, or all of a large one."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def bars_table(results: Results) -> str:
    """Return the bars that were measured as a Markdown table, in the language that is active."""
    heads = (_("Figure"), _("Bar"), _("Hope"), _("Least"), _("Median"), _("Most"), _("Verdict"))
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for bar in BARS:
        spread = bar.spread(results)
        if spread is None:
            continue
        verdict = _("kept") if bar.is_kept(spread) else f"**{_('missed')}**"
        found = " | ".join((number(spread.least), f"**{number(spread.median)}**", number(spread.most)))
        rows.append(f"| {bar.words} | {bar.sign} {bar.bar:g} | {bar.hope:g} | {found} | {verdict} |")
    return "\n".join(rows)


def in_short(results: Results) -> str:
    """Return what the bars come to in a sentence or two, in the language that is active."""
    found = {bar.figure: (bar, spread) for bar in BARS if (spread := bar.spread(results)) is not None}
    kept = sum(bar.is_kept(spread) for bar, spread in found.values())
    told = "**" + _("%(kept)s of %(all)s bars are kept.") % {"kept": kept, "all": len(found)} + "**"
    if not _OF_NODE.keys() <= found.keys():
        return told
    words = _(
        "To tell 1,000 browsers of an event costs %(websocket_paced)s of the processor time that Node takes over "
        "WebSocket and %(sse_paced)s over SSE at ten events a second; %(websocket_burst)s and %(sse_burst)s at two "
        "hundred."
    )
    return f"{told} {words % {name: number(found[figure][1].median) for figure, name in _OF_NODE.items()}}"


def figures_tables(results: Results) -> str:
    """Return every figure of every peer, a Markdown table for each scenario and load."""
    return "\n\n".join(_tables(results))


def _tables(results: Results) -> Iterator[str]:
    for scenario, load in dict.fromkeys((name, load) for name, load, _peer in results.measured()):
        about = results.scenarios[scenario]
        columns = _CONNECT_COLUMNS if load == "connect" else COLUMNS[about["kind"]]
        peers = [peer for peer in about["peers"] if results.by_round(scenario, peer, load, columns[0][0])]
        if not peers:
            continue
        counts_wrong = about["kind"] in ("fan_out", "long_poll", "spread") and load != "connect"
        heads = [heading for _name, heading in columns] + (["lost, twice, out of order"] if counts_wrong else [])
        title = f"**{about['title']}: {load}**"
        for one in about["loads"]:
            if one["name"] == load:
                title += f" ({one['events']} events at {one['rate_per_s']:g}/s, {one['size_bytes']} bytes)"
        lines = [title, "", f"| | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
        for peer in peers:
            cells = [_cell(results.spread(scenario, peer, load, figure)) for figure, _heading in columns]
            if counts_wrong:
                sums = (sum(results.by_round(scenario, peer, load, name).values()) for name in WRONG)
                cells.append(", ".join(f"{count:,.0f}" for count in sums))
            lines.append(f"| {results.peers[peer]} | {' | '.join(cells)} |")
        yield "\n".join(lines)


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{number(spread.least)} / **{number(spread.median)}** / {number(spread.most)}"


def driver_words(results: Results) -> str:
    """Say how busy the driver was at most: near 100 % it, not the server, would have been measured."""
    busy = [record.figures["driver_busy"] for record in results.records if "driver_busy" in record.figures]
    if not busy:
        return ""
    middle = sorted(busy)[len(busy) // 2]
    return f"The driver was busy for {max(busy):.0%} of its core's time at most, {middle:.0%} in the middle."
