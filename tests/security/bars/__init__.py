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

_MODULES = (
    hostile_origins,
    rights_matrix,
    ended_rights,
    script_injection,
    hostile_strings,
    hostile_frames,
    generated_requests,
    oversize,
    floods,
    slow_clients,
    known_weaknesses,
)
BARS: dict[str, Bar] = {module.BAR.name: module.BAR for module in _MODULES}
