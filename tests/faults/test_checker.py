"""The checker finds what was broken in a synthetic history, and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.faults.checker import (
    Acknowledged,
    ClientHistory,
    History,
    SeenEvent,
    SeenReset,
    judge,
    longest_gap_by_client,
    longest_gaps,
    percentile,
)

CLEAN = {"lost": 0, "duplicated": 0, "out of order": 0, "leaked": 0}


@st.composite
def kept_promises(draw: st.DrawFn) -> History:
    """Histories in which every client, from wherever it began, saw each of its topics to the end, interleaved."""
    heads = draw(st.dictionaries(st.sampled_from(["lab.a", "lab.b", "lab.c"]), st.integers(0, 8), min_size=1))
    log = {topic: {seq: f"{topic}#{seq}" for seq in range(1, head + 1)} for topic, head in heads.items()}
    acks = [Acknowledged(topic, key, seq, float(seq)) for topic, keys in log.items() for seq, key in keys.items()]
    clients = []
    for number in range(draw(st.integers(1, 3))):
        topics = draw(st.sets(st.sampled_from(sorted(heads)), min_size=1))
        starts = {topic: draw(st.integers(0, heads[topic])) for topic in sorted(topics)}
        rest = {topic: list(range(starts[topic] + 1, heads[topic] + 1)) for topic in sorted(topics)}
        seen: list[SeenEvent | SeenReset] = []
        while left := [topic for topic, seqs in rest.items() if seqs]:
            topic = draw(st.sampled_from(left))
            seq = rest[topic].pop(0)
            seen.append(SeenEvent(topic, seq, log[topic][seq], 10.0 + len(seen)))
        clients.append(ClientHistory(f"client {number}", "sse", frozenset(topics), starts, seen=seen))
    return History(acks, clients, log)


def first_with_events(history: History, at_least: int = 1) -> ClientHistory:
    found = next((client for client in history.clients if len(client.seen) >= at_least), None)
    assume(found is not None)
    assert found is not None
    return found


@given(kept_promises())
def test_a_run_in_which_all_was_kept_is_clean(history: History) -> None:
    assert judge(history).counts == CLEAN


@given(kept_promises(), st.data())
def test_an_event_that_one_client_never_saw_is_lost(history: History, data: st.DataObject) -> None:
    client = first_with_events(history)
    gone = client.seen.pop(data.draw(st.integers(0, len(client.seen) - 1)))
    assert isinstance(gone, SeenEvent)
    verdict = judge(history)
    assert verdict.counts == CLEAN | {"lost": 1}
    assert [(f.who, f.topic, f.seq) for f in verdict.lost] == [(client.name, gone.topic, gone.seq)]


@given(kept_promises(), st.data())
def test_an_event_seen_twice_is_duplicated(history: History, data: st.DataObject) -> None:
    client = first_with_events(history)
    again = data.draw(st.sampled_from(client.seen))
    client.seen.insert(data.draw(st.integers(client.seen.index(again) + 1, len(client.seen))), again)
    assert judge(history).counts == CLEAN | {"duplicated": 1}


@given(kept_promises(), st.data())
def test_an_event_from_before_a_clients_place_is_duplicated(history: History, data: st.DataObject) -> None:
    client = data.draw(st.sampled_from(history.clients))
    topic = data.draw(st.sampled_from(sorted(client.starts)))
    assume(client.starts[topic] > 0)
    client.seen.append(SeenEvent(topic, 1, f"{topic}#1", 99.0))
    assert judge(history).counts == CLEAN | {"duplicated": 1}


@given(kept_promises(), st.data())
def test_an_event_seen_after_a_later_one_of_its_topic_is_out_of_order(history: History, data: st.DataObject) -> None:
    client = first_with_events(history, 2)
    index = data.draw(st.integers(0, len(client.seen) - 2))
    moved = client.seen[index]
    behind = [seen for seen in client.seen[index + 1 :] if seen.topic == moved.topic]
    assume(behind)
    client.seen.remove(moved)
    client.seen.append(moved)
    assert judge(history).counts == CLEAN | {"out of order": 1}


@given(kept_promises(), st.data())
def test_an_event_of_a_topic_that_is_not_the_clients_is_leaked(history: History, data: st.DataObject) -> None:
    client = data.draw(st.sampled_from(history.clients))
    history.log["user.7"] = {1: "secret"}
    client.seen.insert(data.draw(st.integers(0, len(client.seen))), SeenEvent("user.7", 1, "secret", 5.0))
    assert judge(history).counts == CLEAN | {"leaked": 1}


@given(kept_promises(), st.data())
def test_an_acknowledged_publish_that_the_log_does_not_hold_is_lost(history: History, data: st.DataObject) -> None:
    topic = data.draw(st.sampled_from(sorted(history.log)))
    head = len(history.log[topic])
    history.acknowledged.append(Acknowledged(topic, "gone", head + 1, 1.0))
    assert judge(history).counts == CLEAN | {"lost": 1}


@given(kept_promises(), st.data())
def test_one_key_at_two_seqs_is_duplicated(history: History, data: st.DataObject) -> None:
    topic = data.draw(st.sampled_from(sorted(history.log)))
    head = len(history.log[topic])
    assume(head)
    history.log[topic][head + 1] = history.log[topic][head]
    for client in history.clients:
        client.until[topic] = head
    assert judge(history).counts == CLEAN | {"duplicated": 1}


@given(kept_promises(), st.data())
def test_a_hole_in_the_log_is_lost_once_however_many_clients_met_it(history: History, data: st.DataObject) -> None:
    topic = data.draw(st.sampled_from(sorted(history.log)))
    head = len(history.log[topic])
    history.log[topic][head + 2] = "after the hole"
    for client in history.clients:
        if topic in client.topics:
            client.seen.append(SeenEvent(topic, head + 2, "after the hole", 99.0))
    assert judge(history).counts == CLEAN | {"lost": 1}


@given(kept_promises())
def test_another_event_in_an_events_place_is_lost(history: History) -> None:
    client = first_with_events(history)
    seen = client.seen[-1]
    assert isinstance(seen, SeenEvent)
    client.seen[-1] = replace(seen, key="another")
    assert judge(history).counts == CLEAN | {"lost": 1}


def three_events(*seen: SeenEvent | SeenReset) -> History:
    log = {"lab.a": {1: "one", 2: "two", 3: "three"}}
    client = ClientHistory("client", "sse", frozenset({"lab.a"}), {"lab.a": 0}, seen=list(seen))
    return History([], [client], log)


ONE, TWO, THREE = (SeenEvent("lab.a", seq, key, float(seq)) for seq, key in ((1, "one"), (2, "two"), (3, "three")))


def test_a_reset_begins_a_new_run() -> None:
    assert judge(three_events(ONE, SeenReset({"lab.a": 0}, "epoch", 2.0), ONE, TWO, THREE)).counts == CLEAN
    assert judge(three_events(ONE, SeenReset({"lab.a": 2}, "trimmed", 2.0), THREE)).counts == CLEAN


def test_a_reset_does_not_excuse_a_hole_before_it() -> None:
    assert judge(three_events(THREE, SeenReset({"lab.a": 3}, "trimmed", 4.0))).counts == CLEAN | {"lost": 2}


def test_the_gap_is_how_long_an_event_that_was_there_stayed_unseen_per_client_and_fault() -> None:
    quick = ClientHistory("quick", "sse", frozenset({"lab.a"}), {"lab.a": 0}, seen=[ONE, TWO])
    slow = ClientHistory("slow", "sse", frozenset({"lab.a"}), {"lab.a": 0})
    slow.seen = [replace(ONE, at_s=1.5), replace(TWO, at_s=6.0)]
    history = History([Acknowledged("lab.a", "one", 1, 1.25)], [quick, slow], {}, faults_s=[1.75])
    # One was seen by the quick client before the acknowledgement came.
    assert longest_gaps(history) == [0.0, 0.0, 0.5, 4.0]
    assert longest_gap_by_client(history) == {"quick": 0.0, "slow": 4.0}


def test_what_was_there_before_a_client_came_is_late_from_its_coming_only() -> None:
    late = ClientHistory("late", "sse", frozenset({"lab.a"}), {"lab.a": 0}, opened_s=8.0)
    late.seen = [replace(ONE, at_s=8.5)]
    assert longest_gaps(History([Acknowledged("lab.a", "one", 1, 1.0)], [late])) == [0.5]


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 2.0), (75, 3.0), (99, 4.0), (100, 4.0)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == expected
    assert percentile([], percent) == 0
