"""The benchmark as a whole, in sizes that say nothing about speed."""

import itertools
import json
import re
import resource
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from apps.benchmark import run
from apps.benchmark.peers import PEERS, PROJECT

TINY = {"clients": 6, "events": 4, "rate": 50, "rounds": 1}


def benchmark(*scenarios: str, **options: object) -> str:
    out = StringIO()
    call_command("benchmark", scenario=list(scenarios), stdout=out, **{**TINY, **options})
    return out.getvalue()


def test_report_holds_what_every_peer_delivered_and_nothing_is_lost(tmp_path: Path) -> None:
    said = benchmark("sse-1000", "long-poll-500", peer=["site", "node-express"], output=tmp_path)
    (path,) = tmp_path.glob("benchmark-*.json")
    records = json.loads(path.read_text())["records"]
    counted = {
        (r["scenario"], r["peer"], r["load"]): [r["figures"][name] for name in ("deliveries", "lost", "duplicated")]
        for r in records
        if r["load"] != "connect"
    }
    # Express keeps nothing: it loses what it publishes between two questions of a client.
    assert counted.pop(("long-poll-500", "node-express", "paced"))[0] > 0
    peers = ("site", "node-express")
    assert counted == {
        **{("sse-1000", peer, load): [24, 0, 0] for peer in peers for load in ("paced", "burst", "steady")},
        ("long-poll-500", "site", "paced"): [24, 0, 0],
    }
    assert re.search(r"CPU per SSE delivery ÷ Node express, paced \| ≤ 0.75 \| 0.6 \|", said)
    assert path.with_suffix(".md").exists()


def test_port_in_use_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"127.0.0.1:{port} can't be used .* another --port"):
            benchmark("hold-sse-2000", peer=["node-express"], port=port, dry=True)


def test_peer_without_its_runtime_is_left_out_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(PEERS["node-ws"], missing=lambda: "there is no Node: install it")
    monkeypatch.setitem(PEERS, "node-ws", absent)
    with pytest.raises(CommandError, match="node-ws is left out of websocket-100: there is no Node: install it"):
        benchmark("websocket-100", peer=["node-ws"], dry=True)


def test_more_files_than_the_system_allows_are_told_before_anything_starts() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, 1_048_576))
        hard = 1_048_576
    with pytest.raises(CommandError, match=r"open files in one process, and the system allows [\d,]+ \(ulimit -Hn\)"):
        benchmark("websocket-5000", clients=hard + 1, dry=True)


def test_unknown_names_are_told_with_those_that_exist() -> None:
    with pytest.raises(CommandError, match="no scenario 'tcp'; there are websocket-1000, "):
        benchmark("tcp")


def test_failure_of_one_peer_leaves_the_others_their_say(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(PEERS["site"], command=lambda port: [sys.executable, "-c", "raise SystemExit('no such thing')"])
    monkeypatch.setitem(PEERS, "site", broken)
    said = benchmark("sse-1000", peer=["site", "node-express"], dry=True)
    assert re.search(r"sse-1000, round 1, site failed: .*no such thing", said)
    assert "sse-1000, round 1, node-express, paced: " in said


def test_rounds_that_the_time_is_too_short_for_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=itertools.count(0.0, 40.0).__next__))
    said = benchmark("short-poll", peer=["node-express"], rounds=2, minutes=1, dry=True)
    assert "round 2 of short-poll, node-express: 1 minutes were up" in said
    assert "[  1/2]  short-poll, round 1, node-express, closed loop: " in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_interrupted_run_keeps_what_it_measured(number: signal.Signals, tmp_path: Path) -> None:
    words = ["--scenario", "sse-1000", "--peer", "node-express", "--rounds", "50", "--clients", "2", "--events", "2"]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "benchmark", *words, "--output", str(tmp_path)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "steady" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted after" in said
    (path,) = tmp_path.glob("benchmark-*.json")
    kept = json.loads(path.read_text())
    assert kept["interrupted"]
    assert {r["load"] for r in kept["records"]} >= {"connect", "paced", "burst", "steady"}
