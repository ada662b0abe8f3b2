"""Judge a run: what was acknowledged and what the log holds against what each client saw.

Pure: no clock, no network, nothing of apps. Times are seconds of one monotonic clock.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A publish that was answered with success."""

    topic: str
    key: str
    seq: int
    at_s: float


@dataclass(frozen=True, slots=True)
class SeenEvent:
    topic: str
    seq: int
    key: str
    at_s: float


@dataclass(frozen=True, slots=True)
class SeenReset:
    """An explicit break: the topics in `positions` go on after these seqs."""

    positions: Mapping[str, int]
    reason: str
    at_s: float


@dataclass
class ClientHistory:
    """What one client saw over all its connections, in order.

    Args:
        topics: what it asked for and may read.
        starts: topic -> seq after which it began to read; empty until it was told its place.
        opened_s: when it was told its place.
        until: topic -> seq up to which it had to read; a topic that is missing: up to the log's head.
    """

    name: str
    door: str
    topics: frozenset[str]
    starts: dict[str, int] = field(default_factory=dict)
    opened_s: float = 0.0
    seen: list[SeenEvent | SeenReset] = field(default_factory=list)
    until: dict[str, int] = field(default_factory=dict)
    connections: int = 0

    @property
    def resets(self) -> list[SeenReset]:
        return [seen for seen in self.seen if isinstance(seen, SeenReset)]

    @property
    def events(self) -> list[SeenEvent]:
        return [seen for seen in self.seen if isinstance(seen, SeenEvent)]


@dataclass
class History:
    """A run.

    Args:
        log: topic -> seq -> key, what the log held in the end.
        faults_s: when faults were injected, in order.
    """

    acknowledged: list[Acknowledged] = field(default_factory=list)
    clients: list[ClientHistory] = field(default_factory=list)
    log: dict[str, dict[int, str]] = field(default_factory=dict)
    faults_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise.

    Args:
        who: the client's name, or "log".
    """

    who: str
    topic: str
    seq: int
    why: str


@dataclass
class Verdict:
    """What the checker found; each list is empty where the promise was kept."""

    lost: list[Finding] = field(default_factory=list)
    duplicated: list[Finding] = field(default_factory=list)
    out_of_order: list[Finding] = field(default_factory=list)
    leaked: list[Finding] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "lost": len(self.lost),
            "duplicated": len(self.duplicated),
            "out of order": len(self.out_of_order),
            "leaked": len(self.leaked),
        }

    @property
    def is_clean(self) -> bool:
        return not any(self.counts.values())


def judge(history: History) -> Verdict:
    """Hold a run to the promise: each acknowledged publish is in the log, once, and each client saw a contiguous run.

    - lost: acknowledged but not in the log; in the log but never seen by a client that had to; a hole in the log.
    - duplicated: one key at two seqs of a topic; one seq twice to a client without a reset in between.
    - out of order: seen after a later event of its topic.
    - leaked: an event of a topic that the client did not ask for or may not read.

    A reset excuses what comes after the client's last event, never a hole before it.
    """
    verdict = Verdict()
    _judge_log(history, verdict)
    for client in history.clients:
        _judge_client(client, history.log, verdict)
    return verdict


def _judge_log(history: History, verdict: Verdict) -> None:
    for ack in history.acknowledged:
        found = history.log.get(ack.topic, {}).get(ack.seq)
        if found != ack.key:
            why = f"{ack.key} was acknowledged, the log has {found or 'nothing'} there"
            verdict.lost.append(Finding("log", ack.topic, ack.seq, why))
    for topic, events in history.log.items():
        first_seq: dict[str, int] = {}
        for seq, key in sorted(events.items()):
            if key in first_seq:
                why = f"{key} is at {first_seq[key]} too"
                verdict.duplicated.append(Finding("log", topic, seq, why))
            first_seq.setdefault(key, seq)
        for seq in sorted(set(range(1, max(events, default=0) + 1)) - events.keys()):
            verdict.lost.append(Finding("log", topic, seq, "the log has a hole"))


class _Run:
    """What a client saw of one topic since its start or its last reset."""

    def __init__(self, start: int) -> None:
        self.start = self.highest = start
        self.seqs: set[int] = set()

    def missing(self, until: int) -> list[int]:
        return sorted(set(range(self.start + 1, until + 1)) - self.seqs)


def _judge_client(client: ClientHistory, log: Mapping[str, Mapping[int, str]], verdict: Verdict) -> None:
    runs = {topic: _Run(start) for topic, start in client.starts.items() if topic in client.topics}

    def find(findings: list[Finding], topic: str, seq: int, why: str) -> None:
        findings.append(Finding(client.name, topic, seq, why))

    for seen in client.seen:
        if isinstance(seen, SeenReset):
            for topic, position in seen.positions.items():
                for seq in runs[topic].missing(runs[topic].highest):
                    find(verdict.lost, topic, seq, f"missing before the reset ({seen.reason})")
                runs[topic] = _Run(position)
            continue
        if seen.topic not in runs:
            find(verdict.leaked, seen.topic, seen.seq, f"{seen.key} was not for this client")
            continue
        run = runs[seen.topic]
        if seen.seq <= run.start or seen.seq in run.seqs:
            find(verdict.duplicated, seen.topic, seen.seq, "seen before")
            continue
        if seen.seq < run.highest:
            find(verdict.out_of_order, seen.topic, seen.seq, f"seen after {run.highest}")
        if log.get(seen.topic, {}).get(seen.seq) != seen.key:
            find(verdict.lost, seen.topic, seen.seq, f"{seen.key} was seen in place of what the log holds")
        run.seqs.add(seen.seq)
        run.highest = max(run.highest, seen.seq)
    for topic, run in runs.items():
        held = log.get(topic, {})
        for seq in run.missing(client.until.get(topic, max(held, default=0))):
            if seq in held:  # what isn't is told of the log
                find(verdict.lost, topic, seq, "in the log, never seen")


def latenesses(history: History) -> list[tuple[str, float, float]]:
    """Return (client, when it was seen, how long it had been there) of each event seen, in seconds.

    An event is there from its acknowledgement or from the first client that saw it, whichever comes first (the
    answer to a publish may be late, or lost), but for no client before it was told its place.
    """
    there_s = {(ack.topic, ack.seq): ack.at_s for ack in history.acknowledged}
    for client in history.clients:
        for seen in client.events:
            place = (seen.topic, seen.seq)
            there_s[place] = min(there_s.get(place, seen.at_s), seen.at_s)
    return [
        (client.name, seen.at_s, max(0.0, seen.at_s - max(there_s[seen.topic, seen.seq], client.opened_s)))
        for client in history.clients
        for seen in client.events
    ]


def longest_gaps(history: History) -> list[float]:
    """Return how long each client stayed behind at most, in seconds: one figure per client and fault.

    Without faults, one per client. An event counts for the last fault before it was seen.
    """
    return sorted(_longest_gaps(history).values())


def longest_gap_by_client(history: History) -> dict[str, float]:
    """Return how long each client stayed behind at most, in seconds, over all faults; who saw nothing is left out."""
    longest: dict[str, float] = {}
    for (name, _), gap_s in _longest_gaps(history).items():
        longest[name] = max(longest.get(name, 0.0), gap_s)
    return longest


def _longest_gaps(history: History) -> dict[tuple[str, int], float]:
    """Return (client, how many faults there had been) -> how long that client stayed behind at most, in seconds."""
    longest: dict[tuple[str, int], float] = {}
    for name, seen_s, late_s in latenesses(history):
        place = (name, bisect_right(history.faults_s, seen_s))
        longest[place] = max(longest.get(place, 0.0), late_s)
    return longest


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` (above 0, up to 100) of them don't exceed.

    0 without values.
    """
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else 0.0
