"""The bars, one file each, in the order in which `make security` tries them."""

from tests.security.bar import Bar
from tests.security.bars import (
    ended_rights,
    floods,
    generated_requests,
    hostile_frames,
    hostile_origins,
    hostile_strings,
    known_weaknesses,
    oversize,
    rights_matrix,
    script_injection,
    slow_clients,
)

_BARS = (
    hostile_origins.BAR,
    rights_matrix.BAR,
    ended_rights.BAR,
    script_injection.BAR,
    hostile_strings.BAR,
    hostile_frames.BAR,
    generated_requests.BAR,
    oversize.BAR,
    floods.BAR,
    *slow_clients.BARS,
    known_weaknesses.BAR,
)
BARS: dict[str, Bar] = {bar.name: bar for bar in _BARS}
