"""Rates that processes share: exact together, cheap for who comes seldom, kept by each alone while Redis is away."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio

from apps.access import shared_buckets
from apps.access.rate import Rate, parse
from apps.access.shared_buckets import SharedBuckets
from tests.rig.valkey import Valkey

# Nothing comes back while a test runs, however slow the machine is.
FORTY = Rate(per_s=1e-6, burst=40)
# A Redis that answers late on a busy machine is not away.
PATIENT_S = 60.0


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest_asyncio.fixture
async def process(valkey: Valkey) -> AsyncIterator[Callable[..., SharedBuckets]]:
    """Make what a process has."""
    made: list[SharedBuckets] = []

    def make(most_wait_s: float = shared_buckets.MOST_WAIT_S) -> SharedBuckets:
        made.append(SharedBuckets(valkey.url, most_wait_s))
        return made[-1]

    yield make
    for buckets in made:
        await buckets.aclose()


@pytest.mark.parametrize(
    ("text", "per_s", "burst"),
    [("600/min", 10, 50), ("10/s", 10, 10), ("36000/h", 10, 50), ("60/h", 1 / 60, 1)],
)
def test_a_rate_is_read(text: str, per_s: float, burst: float) -> None:
    rate = parse(text)
    assert rate is not None
    assert (rate.per_s, rate.burst) == (pytest.approx(per_s), pytest.approx(burst))


@pytest.mark.parametrize("text", ["", "0/min", "10", "10/day", "-1/s", "1.5/s", "600 / min"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a whole number and a period"):
        parse(text)


@pytest.mark.parametrize("per_min", [60, 600, 6_000])
def test_in_no_minute_more_than_a_tenth_is_beyond_the_rate(per_min: int) -> None:
    rate = parse(f"{per_min}/min")
    assert rate is not None
    assert rate.burst + 60 * rate.per_s <= 1.1 * per_min


async def test_what_is_left_is_counted_down_and_then_refused() -> None:
    alone = SharedBuckets("")
    assert [(await alone.take(Rate(0.5, 3), "a")).left for _ in range(3)] == [2, 1, 0]
    refused = await alone.take(Rate(0.5, 3), "a")
    assert 0 < refused.wait_s <= 2
    assert (await alone.take(Rate(0.5, 3), "b")).wait_s == 0  # somebody else
    await alone.aclose()


async def test_processes_let_through_together_what_one_may(process: Callable[..., SharedBuckets]) -> None:
    three = [process(PATIENT_S) for _ in range(3)]

    async def flood(buckets: SharedBuckets) -> int:
        return sum([(await buckets.take(FORTY, "flood")).wait_s == 0 for _ in range(100)])

    passed = await asyncio.gather(*map(flood, three))
    assert 40 <= sum(passed) <= 44, passed
    # One that comes only now knows of nothing, and hears of it with its first questions.
    assert await flood(process(PATIENT_S)) <= 4


async def test_what_is_taken_in_turns_is_held_exactly(process: Callable[..., SharedBuckets]) -> None:
    three = itertools.cycle([process(PATIENT_S) for _ in range(3)])
    passed = sum([(await next(three).take(FORTY, "turns")).wait_s == 0 for _ in range(300)])
    assert 40 <= passed <= 44


async def test_who_comes_seldom_waits_for_nobody(process: Callable[..., SharedBuckets], valkey: Valkey) -> None:
    buckets = process()
    valkey.freeze()
    try:
        # Each that waited would have waited 250 ms: 250 s.
        async with asyncio.timeout(100):
            left = [(await buckets.take(FORTY, f"somebody {number}")).left for number in range(1_000)]
        assert left == [39] * 1_000
    finally:
        valkey.thaw()


async def test_while_redis_hangs_a_flood_is_held_by_each_alone_and_nobody_waits_long(
    process: Callable[..., SharedBuckets], valkey: Valkey
) -> None:
    buckets = process()
    waits: list[float] = []
    valkey.freeze()
    try:
        passed = 0
        for _ in range(100):
            began = asyncio.get_running_loop().time()
            passed += (await buckets.take(FORTY, "hangs")).wait_s == 0
            waits.append(asyncio.get_running_loop().time() - began)
    finally:
        valkey.thaw()
    assert passed == 40
    # Once: after that it is not asked for a second. (Of 100 that each waited 250 ms it would be 25 s.)
    assert sum(wait > 0.2 for wait in waits) <= 3, waits


async def test_where_there_is_no_redis_nothing_fails() -> None:
    buckets = SharedBuckets("redis://127.0.0.1:1/0")
    assert sum([(await buckets.take(FORTY, "none")).wait_s == 0 for _ in range(100)]) == 40
    await buckets.aclose()


async def test_a_debt_is_at_most_what_the_bucket_holds(process: Callable[..., SharedBuckets]) -> None:
    buckets = process(PATIENT_S)
    bucket = shared_buckets._Bucket("debt", FORTY, 0.0, asyncio.get_running_loop().time(), untold=100_000)
    await buckets._tell_batch([bucket])
    assert bucket.tokens == pytest.approx(-40)
    assert (await buckets.take(FORTY, "debt")).wait_s == 0  # this process had not heard of it


async def test_buckets_that_are_full_again_are_forgotten() -> None:
    buckets = SharedBuckets("")
    for number in range(50):
        await buckets.take(Rate(1e9, 1), f"many {number}")
    await buckets.take(FORTY, "one that is not")
    await buckets._tell_now()
    buckets._sweep(asyncio.get_running_loop().time() + 11)
    assert list(buckets._buckets) == ["one that is not"]
    await buckets.aclose()
