"""docs/ACCESS.md, held to the code."""

import inspect
import re
from pathlib import Path

from apps.access import families
from tests.access.test_families import OrderFamily

ACCESS = (Path(__file__).parents[2] / "docs" / "ACCESS.md").read_text()


def rows(text: str) -> list[list[str]]:
    """Return the cells of the table of families in `text`."""
    return [re.split(r" *\| *", row)[1:-1] for row in re.findall(r"^\| `.*$", text, re.MULTILINE)]


def test_the_table_of_families_is_that_of_the_code() -> None:
    table = ACCESS[ACCESS.index("## Families") : ACCESS.index("## A family of your own")]
    assert rows(table) == rows(families.__doc__ or "")
    assert len(rows(table)) == len(families.FAMILIES)


def test_the_family_it_shows_is_one_that_a_test_asks() -> None:
    (shown,) = re.findall(r"^```python\n(.*?)^```", ACCESS, re.MULTILINE | re.DOTALL)
    assert shown == inspect.getsource(OrderFamily)
