"""What the driver makes of the bytes that came."""

from apps.benchmark.driver import _received


def event(number: int, due_ns: int = 1_000_000) -> bytes:
    return b'data: {"n":%d,"t":%d,"padding":"xx"}\n\n' % (number, due_ns)


def test_events_cut_anywhere_between_two_reads_are_counted_once() -> None:
    whole = b"".join(event(number) for number in (1, 2, 3))
    for cut in range(len(whole)):
        received = _received([[(2_000_000, whole[:cut]), (3_000_000, whole[cut:])]], 1, 3)
        assert (received["deliveries"], received["lost"], received["duplicated"]) == (3, 0, 0), cut


def test_lost_duplicated_and_disordered_events_are_counted_as_such() -> None:
    first = [(2_000_000, event(1) + event(3) + event(2) + event(3))]
    second = [(2_000_000, event(1))]
    received = _received([first, second], 1, 3)
    assert (received["lost"], received["duplicated"], received["out_of_order"]) == (2, 1, 1)


def test_events_of_an_earlier_load_do_not_count() -> None:
    assert _received([[(2_000_000, event(1) + event(7))]], 7, 1)["deliveries"] == 1


def test_latency_counts_from_when_the_event_was_due() -> None:
    received = _received([[(5_500_000, event(1, due_ns=1_000_000))]], 1, 1)
    assert received["late_ms"]["50"] == 4.5
