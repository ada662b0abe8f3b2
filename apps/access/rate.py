"""How often something may be done, written `600/min`."""

import re
from dataclasses import dataclass

_PERIODS_S = {"s": 1, "min": 60, "h": 3_600}
_RATE = re.compile(r"([1-9]\d{0,8})/(s|min|h)")
# What may be done at once: what comes together in so many seconds. So little that in no minute, wherever it begins,
# more than a tenth is done beyond the rate.
BURST_S = 5.0


@dataclass(frozen=True)
class Rate:
    """A token bucket's measures.

    Args:
        per_s: in the long run.
        burst: at once, 1 or more.
    """

    per_s: float
    burst: float

    @property
    def window_s(self) -> float:
        """How long an empty bucket takes to be full again."""
        return self.burst / self.per_s


def parse(text: str) -> Rate | None:
    """Read `600/min`, `10/s` or `100/h`; None for `off`.

    Raises:
        ValueError: it is none of these.
    """
    if text == "off":
        return None
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no rate; expected a whole number and a period, such as 600/min, or off")
    count, period_s = int(match[1]), _PERIODS_S[match[2]]
    return Rate(count / period_s, max(1.0, count * min(1.0, BURST_S / period_s)))
