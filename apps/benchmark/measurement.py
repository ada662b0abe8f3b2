"""What one measurement of one peer in one round found."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measured:
    """Figures of one load.

    Args:
        load: its name; `connect`, `hold` … where there is none.
        figures: by name, the unit at its end.
        late_ms: quantile in percent -> latency, for a distribution; empty where there is none.
    """

    load: str
    figures: dict[str, float]
    late_ms: dict[str, float] = field(default_factory=dict)
