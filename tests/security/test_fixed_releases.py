"""The table of floors, and what is pinned."""

from tests.security.fixed_releases import FLOORS, Floor, below, pinned


def test_nothing_is_pinned_below_the_release_that_fixed_it() -> None:
    assert below(FLOORS, pinned()) == []


def test_an_older_release_and_a_missing_one_would_be_named() -> None:
    floors = (Floor("daphne", "4.2.10", "a hole"), Floor("absent", "1", "another"))
    assert below(floors, {"daphne": "4.2.9"}) == [
        "daphne 4.2.9 is pinned; 4.2.10 fixes a hole",
        "absent of any version is pinned; 1 fixes another",
    ]
