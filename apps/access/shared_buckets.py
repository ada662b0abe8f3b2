"""Token buckets that all processes share, without asking Redis each time.

Each process keeps what it last knew of a bucket, lets it fill, and takes from it. What it took it tells Redis a moment
later, for all its buckets at once, and learns what the others took. Of what it knows it takes a tenth without asking;
who takes more waits for the answer, 250 ms at most.

So somebody who comes now and then costs no wait and no request of their own, and a flood is held by everybody together:
what was taken beyond the rate in that moment is a debt, and the bucket has to fill up from there. A refusal needs no
question: the others can only have taken more.

While Redis is away each process counts by itself, and lets as much through as it would alone.
"""

import asyncio
import contextvars
import logging
import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from apps.access.rate import Rate

logger = logging.getLogger(__name__)

TELL_EVERY_S = 0.25
# Nobody waits longer for Redis.
MOST_WAIT_S = 0.25
# Redis is left alone for so long after it did not answer.
AWAY_S = 1.0
UNASKED = 0.1
_BATCH = 500
_SWEEP_S = 10.0

# For each key: how much the bucket holds, what comes in a second, and what was taken. Answers what is left; a debt,
# which is less than nothing, is at most what the bucket holds, however long a process was away with what it took.
_TELL = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local left = {}
for i, key in ipairs(KEYS) do
  local burst, per_s, taken = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local kept = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = burst
  if kept[1] then
    tokens = math.min(burst, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * per_s)
  end
  tokens = math.max(-burst, tokens - taken)
  redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
  redis.call('PEXPIRE', key, math.ceil((2 * burst / per_s + 1) * 1000))
  left[i] = string.format('%.6f', tokens)
end
return left
"""


@dataclass(frozen=True)
class Taken:
    """What became of an attempt to take one.

    Args:
        wait_s: 0 if it was taken, and else the seconds until there is another.
        left: how many more may be taken at once.
    """

    wait_s: float
    left: int


@dataclass(eq=False, slots=True)
class _Bucket:
    key: str
    rate: Rate
    tokens: float
    filled_at: float  # loop time
    untold: int = 0
    unasked: int = 1

    def fill(self, now: float) -> None:
        self.tokens = min(self.rate.burst, self.tokens + (now - self.filled_at) * self.rate.per_s)
        self.filled_at = now


class SharedBuckets:
    """The buckets of one event loop. Get them with `current()`.

    Args:
        redis_url: where the other processes are; empty: there are none.
        most_wait_s: how long Redis is waited for at most, each time.
    """

    def __init__(self, redis_url: str, most_wait_s: float = MOST_WAIT_S) -> None:
        self._most_wait_s = most_wait_s
        self._buckets: dict[str, _Bucket] = {}
        self._untold: dict[_Bucket, None] = {}
        self._swept_at = 0.0
        self._away_until = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        self._told: asyncio.Future[None] | None = None  # what is untold by now, once it is told
        self._redis: Redis | None = None
        if redis_url:
            # No second try: whoever waits, waits for the first.
            self._redis = Redis.from_url(
                redis_url,
                socket_timeout=most_wait_s,
                socket_connect_timeout=most_wait_s,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            )
            self._tell_redis = self._redis.register_script(_TELL)

    async def take(self, rate: Rate, key: str, count: int = 1) -> Taken:
        """Take `count` from the bucket called `key`, if there is one; what is more than there is becomes a debt.

        Waits for Redis `most_wait_s` at most, and never fails.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        bucket = self._buckets.get(key)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[key] = _Bucket(key, rate, rate.burst, now, unasked=_unasked(rate.burst))
        bucket.fill(now)
        if bucket.tokens >= 1 and bucket.untold >= bucket.unasked and self._redis and now >= self._away_until:
            self._untold[bucket] = None
            await asyncio.wait({self._tell_now()}, timeout=self._most_wait_s)
            bucket.fill(loop.time())
        if bucket.tokens < 1:
            return Taken((1 - bucket.tokens) / rate.per_s, 0)
        bucket.tokens = max(-rate.burst, bucket.tokens - count)
        bucket.untold += count
        self._untold[bucket] = None
        if self._timer is None:
            self._timer = loop.call_later(TELL_EVERY_S, self._tell_now)
        return Taken(0.0, max(0, int(bucket.tokens)))

    async def aclose(self) -> None:
        """Let go of Redis; what is untold is lost."""
        if self._timer is not None:
            self._timer.cancel()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()

    def _tell_now(self) -> asyncio.Future[None]:
        """Return when all is told that is untold by now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        if self._told is None:
            self._told = loop.create_future()
        told = self._told
        if self._telling is None:
            # In no request's context: Django would keep that request's thread for as long as this runs.
            self._telling = loop.create_task(self._tell(), context=contextvars.Context())
        return told

    async def _tell(self) -> None:
        try:
            while self._told is not None:
                told, self._told = self._told, None
                untold, self._untold = list(self._untold), {}
                for begin in range(0, len(untold), _BATCH):
                    await self._tell_batch(untold[begin : begin + _BATCH])
                if not told.done():
                    told.set_result(None)
        finally:
            self._telling = None
            self._sweep(asyncio.get_running_loop().time())

    async def _tell_batch(self, buckets: list[_Bucket]) -> None:
        loop = asyncio.get_running_loop()
        if self._redis is None or loop.time() < self._away_until:
            for bucket in buckets:
                bucket.untold = 0
            return
        taken = [bucket.untold for bucket in buckets]
        numbers = [
            n for b, count in zip(buckets, taken, strict=True) for n in (b.rate.burst, b.rate.per_s, float(count))
        ]
        try:
            async with asyncio.timeout(self._most_wait_s):
                left = await self._tell_redis(keys=[bucket.key for bucket in buckets], args=numbers)
        except (RedisError, OSError, TimeoutError) as error:
            if self._away_until == -math.inf:
                logger.warning("rates are counted by each process for itself: Redis does not answer (%s)", error)
            self._away_until = loop.time() + AWAY_S
            return
        if self._away_until > -math.inf:
            logger.warning("rates are counted together again")
            self._away_until = -math.inf
        now = loop.time()
        for bucket, count, tokens in zip(buckets, taken, left, strict=True):
            bucket.untold -= count
            bucket.tokens, bucket.filled_at = float(tokens) - bucket.untold, now
            bucket.unasked = _unasked(bucket.tokens)

    def _sweep(self, now: float) -> None:
        """Forget the buckets that are full again by now: a new one is full too."""
        if now < self._swept_at + _SWEEP_S:
            return
        self._swept_at = now
        for key, bucket in list(self._buckets.items()):
            bucket.fill(now)
            if bucket.tokens >= bucket.rate.burst and not bucket.untold:
                del self._buckets[key]


def _unasked(tokens: float) -> int:
    return max(1, int(tokens * UNASKED))


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedBuckets] = WeakKeyDictionary()


def current() -> SharedBuckets:
    """Return those of the running event loop."""
    loop = asyncio.get_running_loop()
    buckets = _of_loops.get(loop)
    if buckets is None:
        buckets = _of_loops[loop] = SharedBuckets(settings.REDIS_URL)
    return buckets
