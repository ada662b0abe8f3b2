"""The lines' colours: told apart by every kind of eye, and legible as text."""

import itertools
import math
import re
from pathlib import Path

import pytest

from apps.transports.registry import DOORS

VARIABLES = Path(__file__).parents[2] / "apps/demos/static/demos/variables.css"
TOKEN = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
LEAST_DIFFERENCE = 18.0  # CIE76; 2.3 is just noticeable side by side, lines lie apart

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

# What is left of linear RGB to dichromats. Source: Machado, Oliveira, Fernandes, "A Physiologically-based Model for
# Simulation of Color Vision Deficiency", 2009, severity 1.0.
EYES: dict[str, Matrix] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no long-wave cones": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no middle-wave cones": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no short-wave cones": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ: Matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))  # IEC 61966-2-1
WHITE: Triple = (0.95047, 1.0, 1.08883)  # D65


@pytest.fixture(params=["light", "dark"])
def tokens(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the colours of one theme, by the names of their tokens."""
    found = TOKEN.findall(VARIABLES.read_text())
    return {name: light if request.param == "light" else dark for name, light, dark in found}


@pytest.mark.parametrize("eye", EYES)
def test_lines_can_be_told_apart(tokens: dict[str, str], eye: str) -> None:
    seen = {door.name: _as_seen(tokens[f"line-{door.name}"], EYES[eye]) for door in DOORS}
    for one, other in itertools.combinations(seen, 2):
        assert math.dist(seen[one], seen[other]) >= LEAST_DIFFERENCE, (one, other)


def test_lines_serve_as_text(tokens: dict[str, str]) -> None:
    for door, ground in itertools.product(DOORS, ["paper", "sheet", "sunk"]):
        assert _contrast(tokens[f"line-{door.name}"], tokens[ground]) >= LEAST_CONTRAST, (door.name, ground)


def _as_seen(colour: str, eye: Matrix) -> Triple:
    """Return how an eye sees a colour, in CIELAB, where distances are differences."""
    light = tuple(min(1.0, max(0.0, part)) for part in _times(eye, _linear(colour)))
    x, y, z = (_lightness(part / white) for part, white in zip(_times(TO_XYZ, light), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _lightness(part: float) -> float:
    return math.cbrt(part) if part > 0.008856 else 7.787 * part + 16 / 116


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(_times(TO_XYZ, _linear(colour))[1] for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _linear(colour: str) -> Triple:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _gamma(red), _gamma(green), _gamma(blue)


def _gamma(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _times(matrix: Matrix, vector: tuple[float, ...]) -> Triple:
    one, two, three = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return one, two, three
