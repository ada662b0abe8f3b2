"""Publishers and clients on all doors of a rig, and the record of what they did."""

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import psutil

from apps.transports.registry import DOORS, Door
from tests.faults.checker import History
from tests.faults.clients import FaultClient
from tests.faults.publishers import Publisher, PublishRecord
from tests.faults.rig import Rig
from tests.rig.accounts import OTHER_READER, READER
from tests.rig.waiting import await_until

# Of the accounts in tests/rig/fill_database.py, which are made in this order.
READERS_TOPIC, OTHER_READERS_TOPIC = "user.2", "user.3"
# Of ten clients on a door, these; the others are nobody.
_SIGNED_IN = {1: (READER, READERS_TOPIC), 2: (OTHER_READER, OTHER_READERS_TOPIC)}
CATCH_UP_S = 30.0
PATIENCE_S = 120.0  # for what must come; no measure of speed


@dataclass(frozen=True)
class Shape:
    """How much load.

    Args:
        clients_per_door: 1 or more, on each of the five doors.
        publishes_per_s: of all publishers together; less where the site answers more slowly.
        topics: 3 or more: two personal ones, the rest public.
        topics_per_client: of the public ones, at most 18.
    """

    clients_per_door: int = 20
    publishes_per_s: float = 50.0
    topics: int = 30
    topics_per_client: int = 3

    @property
    def words(self) -> str:
        return (
            f"{self.publishes_per_s:g} publishes/s on {self.topics} topics, {self.clients_per_door} clients on each of "
            f"{len(DOORS)} doors, {min(self.topics_per_client, self.topics - 2)} topics a client, two in ten signed in"
        )


class Load:
    """Clients that read and publishers that publish while a scenario injects its faults.

    Args:
        doors: those that its clients use.
        cut: share of publishes whose answer is cut, see `Publisher`.
        start: where clients begin.
        publish_url: where publishers publish; by default where the clients read.
        catch_up_s: how long to wait at most, after the last publish, for clients to read all of it.
    """

    def __init__(
        self,
        rig: Rig,
        shape: Shape,
        *,
        doors: Sequence[Door] = DOORS,
        cut: float = 0.0,
        start: str = "start",
        publish_url: str = "",
        catch_up_s: float = CATCH_UP_S,
    ) -> None:
        self.rig, self.shape = rig, shape
        self._publish_url = publish_url or rig.url
        self.published = PublishRecord()
        self.history = History(acknowledged=self.published.acknowledged)
        # Topics of this load's own: another may have used the rig before.
        self.public = [f"lab.{secrets.token_hex(3)}-{number}" for number in range(shape.topics - 2)]
        self.topics = [*self.public, READERS_TOPIC, OTHER_READERS_TOPIC]
        self.clients = list(self._clients(doors, start))
        self.history.clients = [client.history for client in self.clients]
        self.began_s = self.ended_s = time.monotonic()
        self.busy_cores = self.own_cores = 0.0  # while it ran: of the machine, and of this process
        self._cut, self._catch_up_s = cut, catch_up_s

    def _clients(self, doors: Sequence[Door], start: str) -> Iterator[FaultClient]:
        draw = random.Random(0)  # the same load each time
        for door in doors:
            for number in range(self.shape.clients_per_door):
                account, own = _SIGNED_IN.get(number % 10, (None, None))
                topics = draw.sample(self.public, min(self.shape.topics_per_client, len(self.public)))
                topics += [own] if own else []
                name = f"{door.name}-{number}"
                yield FaultClient(
                    name,
                    door.name,
                    self.rig.url,
                    topics,
                    account=account,
                    start=start,
                    heartbeat_s=self.rig.heartbeat_s,
                )
            # One that asks for what is somebody else's.
            yield FaultClient(
                f"{door.name}-prowler",
                door.name,
                self.rig.url,
                [READERS_TOPIC],
                account=OTHER_READER,
                may_read=[],
                start=start,
                heartbeat_s=self.rig.heartbeat_s,
            )

    @property
    def readers(self) -> list[FaultClient]:
        """The clients without the prowlers."""
        return [client for client in self.clients if client.history.topics]

    def mark_fault(self) -> None:
        """Note that a fault is injected now."""
        self.history.faults_s.append(time.monotonic())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run clients and publishers for the length of the block; then let everybody catch up, and read the log.

        Leaves `history` complete: with the log, and with clients that read it to the end or gave reason for doubt.
        """
        async with self.reading():
            stopping = asyncio.Event()
            workers = max(4, round(self.shape.publishes_per_s / 5))
            publishing = [asyncio.create_task(self._publish(workers, stopping)) for _ in range(workers)]
            busy_s, own_s = _busy_s(), time.process_time()
            try:
                yield
                stopping.set()
                await asyncio.gather(*publishing)
                self.ended_s = time.monotonic()
                took_s = self.ended_s - self.began_s
                self.busy_cores, self.own_cores = (_busy_s() - busy_s) / took_s, (time.process_time() - own_s) / took_s
                await self._catch_up()
            finally:
                await _end(publishing)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Run the clients alone for the length of the block."""
        tasks = [asyncio.create_task(client.run()) for client in self.clients]
        try:
            await await_until(
                lambda: all(c.is_open for c in self.readers), "clients to be told their place", PATIENCE_S
            )
            self.began_s = time.monotonic()
            yield
        finally:
            await _end(tasks)

    async def _catch_up(self) -> None:
        """Read the log, and wait until every client has read it to the end, but no longer than `catch_up_s`.

        What is missing then is for the checker to find.
        """
        self.history.log = await asyncio.to_thread(self.rig.read_log, self.topics)
        heads = {topic: max(events) for topic, events in self.history.log.items()}
        with contextlib.suppress(TimeoutError):
            await await_until(
                lambda: all(c.has_read(heads) for c in self.readers), "clients to catch up", self._catch_up_s
            )

    async def _publish(self, workers: int, stopping: asyncio.Event) -> None:
        publisher = Publisher(self._publish_url, self.published, cut=self._cut)
        pause_s = workers / self.shape.publishes_per_s
        while not stopping.is_set():
            began_s = time.monotonic()
            await publisher.publish(random.choice(self.topics))
            # Poisson, less the time the publish itself took: so that all together keep the rate.
            wait_s = random.expovariate(1 / pause_s) - (time.monotonic() - began_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait_s)):
                    await stopping.wait()


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(error, Exception):
            raise error


async def every(period_s: float, for_s: float, do: Callable[[int], Awaitable[None]]) -> None:
    """Call `do(0)`, `do(1)` … every `period_s` seconds for `for_s` seconds, the first after half a period."""
    end_s = time.monotonic() + for_s
    next_s = time.monotonic() + period_s / 2
    for number in itertools.count():
        if next_s >= end_s:
            break
        await asyncio.sleep(max(0.0, next_s - time.monotonic()))
        await do(number)
        next_s = max(next_s + period_s, time.monotonic())
    await asyncio.sleep(max(0.0, end_s - time.monotonic()))
