"""The bars, one file each, in the order in which `make security` tries them."""

from tests.security.bar import Bar
from tests.security.bars import ended_rights, hostile_frames, hostile_origins, oversize, rights_matrix

BARS: dict[str, Bar] = {
    module.BAR.name: module.BAR for module in (hostile_origins, rights_matrix, ended_rights, hostile_frames, oversize)
}
