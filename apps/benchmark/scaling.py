"""The arithmetic of docs/SCALING.md: from a run's medians to what a process, a machine and ten machines carry.

Each part is Markdown for one place of that page (see `quotes`). No figure in it is typed by hand, and none is used
further than it was measured: what a step takes for granted stands beside it.
"""

from collections.abc import Sequence

from apps.benchmark.bars import Figure
from apps.benchmark.results import Results
from apps.benchmark.table import number


class NotMeasured(Exception):
    """A run lacks a figure that a part needs."""


_PACED = Figure("websocket-1000", "site", "paced", "cpu_us_per_delivery")
_BURST = Figure("websocket-1000", "site", "burst", "cpu_us_per_delivery")
_SSE_PACED = Figure("sse-1000", "site", "paced", "cpu_us_per_delivery")
_SSE_BURST = Figure("sse-1000", "site", "burst", "cpu_us_per_delivery")
_CROWD = Figure("websocket-5000", "site", "paced", "cpu_us_per_delivery")
_CONNECT_ANONYMOUS = Figure("hold-websocket-2000", "site-anonymous", "hold", "cpu_us_per_connect")
_CONNECT = Figure("hold-websocket-2000", "site-crowd", "hold", "cpu_us_per_connect")
_POLL = Figure("short-poll-conditional", "site-anonymous", "closed loop", "cpu_us_per_request")
_MEMORY = Figure("hold-websocket-2000", "site", "hold", "kb_per_connection")
_SSE_MEMORY = Figure("hold-sse-2000", "site", "hold", "kb_per_connection")
_PUBLISHES = Figure("publish-16", "log-append", "closed loop", "publishes_per_s")

_MEASURED = (
    ("a WebSocket delivery, ten events a second", _PACED, "µs"),
    ("a WebSocket delivery, events faster than they can go out", _BURST, "µs"),
    ("an SSE delivery, ten events a second", _SSE_PACED, "µs"),
    ("an SSE delivery, events faster than they can go out", _SSE_BURST, "µs"),
    ("a WebSocket delivery to 5,000 clients, four events a second", _CROWD, "µs"),
    ("opening a WebSocket, without a session", _CONNECT_ANONYMOUS, "µs"),
    ("opening a WebSocket, session and user read from the database", _CONNECT, "µs"),
    ("a short poll with nothing new", _POLL, "µs"),
    ("an idle WebSocket, memory", _MEMORY, "KB"),
    ("an idle SSE stream, memory", _SSE_MEMORY, "KB"),
    ("events a second into one topic, 16 publishers, PostgreSQL", _PUBLISHES, ""),
)


def measured(results: Results) -> str:
    """What everything else on the page is worked out from."""
    rows = []
    for words, figure, unit in _MEASURED:
        spread = figure.spread(results)
        if spread is None:
            rows.append((words, "not measured", ""))
        else:
            median = f"**{number(spread.median)}** {unit}".rstrip()
            rows.append((words, median, f"{number(spread.least)} – {number(spread.most)}"))
    return _table(("", "median", "least – most"), rows)


def one_process(results: Results) -> str:
    """What a core is worth."""
    paced, crowd, connect, memory = (_median(results, one) for one in (_PACED, _CROWD, _CONNECT, _MEMORY))
    return "\n".join(
        [
            f"- 1,000 clients, 10 events a second, {number(paced)} µs: {_share(1_000 * 10 * paced)} of a core.",
            f"- 5,000 clients, one event a second, {number(crowd)} µs: {_share(5_000 * crowd)} of a core. (Measured",
            "  with four events a second; with one, more of them find the caches cold.)",
            f"- Memory: 5,000 × {number(memory)} KB ≈ {number(5_000 * memory / 1024)} MB beside the process itself.",
            "  (Measured with 2,000 connections.)",
            f"- Coming back after a restart: 5,000 × {_ms(connect)} ≈ {number(5_000 * connect / 1e6)} s of processor",
            "  time.",
        ]
    )


def one_machine(results: Results) -> str:
    """The next walls of a machine."""
    low, high = sorted((_median(results, _MEMORY), _median(results, _SSE_MEMORY)))
    rows = [
        ("open files", "one a connection, and the proxy needs two", "`ulimit -n`, `LimitNOFILE`"),
        (
            "ports between proxy and process",
            "28,000 connections for each address and port with the usual range",
            "more processes, so more ports; a wider range",
        ),
        (
            "memory",
            f"{number(low)} to {number(high)} KB a connection, without the kernel's buffers",
            "fewer connections a page: one for all its topics",
        ),
        (
            "reconnecting",
            f"{_ms(_median(results, _CONNECT))} of processor time a client",
            "spread it out; more cores",
        ),
    ]
    return _table(("wall", "where", "what moves it"), rows)


def a_million(results: Results) -> str:
    """A million connections, step by step."""
    burst, memory, connect = (_median(results, one) for one in (_BURST, _MEMORY, _CONNECT))
    rows = [
        (
            "processes",
            "1,000,000 ÷ 5,000 = 200",
            "a core for each; 5,000 clients in one process were measured, more were not",
        ),
        (
            "memory",
            f"1,000,000 × {number(memory)} KB ≈ {number(memory * 1e6 / 1024**2)} GB, and 200 processes of about 100 MB "
            "≈ 20 GB",
            "that idle connections stay as small as they were at 2,000; the kernel's buffers come on top, and were not "
            "measured",
        ),
        (
            "one event to everybody",
            f"1,000,000 × {number(burst)} µs ≈ {number(burst)} s of processor time; on 200 cores at once about "
            f"{number(burst / 200 * 1e3)} ms",
            "that all cores are free, and that a network card takes 200 MB for each event",
        ),
        ("one event a minute to everybody", f"{_share(1e6 * burst / 60)} of one core in all", "the same"),
        (
            "everybody comes back",
            f"1,000,000 × {_ms(connect)} ≈ {number(connect)} s; on 200 cores {number(connect / 200)} s if the database "
            "kept up",
            "that it does not have to: five queries a client are five million. Spread over ten minutes they are "
            "8,300 a second",
        ),
        ("hints", "200 messages an event", "one Redis"),
        (
            "reads",
            "200 an event, 200 heads a second",
            "one PostgreSQL, a pool between them: 200 processes of up to ten connections are 2,000",
        ),
    ]
    return _table(("step", "arithmetic", "it assumes"), rows)


def _median(results: Results, figure: Figure) -> float:
    spread = figure.spread(results)
    if spread is None:
        raise NotMeasured(f"{figure.figure} of {figure.peer} in {figure.scenario}, {figure.load}")
    return spread.median


def _table(heads: tuple[str, ...], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)])


def _ms(value_us: float) -> str:
    return f"{number(value_us / 1e3)} ms"


def _share(cpu_us_per_s: float) -> str:
    return f"{cpu_us_per_s / 1e6:.0%}"
