"""docs/SETTINGS.md against the code that reads the environment."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# The server stands apart from the project's settings: where to listen is its own affair.
SERVE = "apps/server/management/commands/serve.py"
READ_BY_SERVE = {"HOST": "127.0.0.1", "PORT": 8000, "CLIENT_ADDRESS_HEADER": ""}
# The readers of realtime_site/environment.py.
READERS = {"text", "flag", "integer", "decimal", "words", "rate"}
READERS |= {"networks", "origins", "contact", "time_zone", "email", "redis"}
# Their default is worked out, so the table says how instead.
WORKED_OUT = {"SECRET_KEY", "VAR_DIR", "DATABASE_URL"}


def documented() -> dict[str, str]:
    """Return the variables of the tables with their default cells."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", (PROJECT / "docs/SETTINGS.md").read_text(), re.MULTILINE)
    names = [name for name, _ in rows]
    assert len(names) == len(set(names)), "a variable is documented twice"
    return dict(rows)


def read_in_code() -> dict[str, Any]:
    """Return the variables that settings.py reads, with their defaults where these are written out."""
    found: dict[str, Any] = dict(READ_BY_SERVE)
    for node in ast.walk(ast.parse((PROJECT / "realtime_site/settings.py").read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "env" and node.func.attr in READERS):
            continue
        name = ast.literal_eval(node.args[0])
        default = next((word.value for word in node.keywords if word.arg == "default"), None)
        found[name] = None if name in WORKED_OUT or default is None else ast.literal_eval(default)
    return found


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    assert set(documented()) == set(read_in_code())


@pytest.mark.parametrize("name", sorted(set(read_in_code()) - WORKED_OUT))
def test_documented_default_is_the_real_one(name: str) -> None:
    default, cell = read_in_code()[name], documented()[name]
    if default in ("", []):
        assert cell == "(empty)"
        return
    (shown,) = re.findall(r"^`(.+)`$", cell)
    match default:
        case bool():
            assert shown == str(default).lower()
        case int() | float():
            assert float(shown) == default
        case list():
            assert shown.split(",") == default
        case _:
            assert shown == default


def test_nothing_else_reads_the_environment() -> None:
    """A setting read elsewhere would escape the table."""
    sources = [*(PROJECT / "apps").rglob("*.py"), *(PROJECT / "realtime_site").glob("*.py")]
    reads = {
        (str(path.relative_to(PROJECT)), name)
        for path in sources
        for name in re.findall(r"""(?:environ\[|environ\.get\(|getenv\()["'](\w+)""", path.read_text())
    }
    assert reads == {(SERVE, name) for name in READ_BY_SERVE}
