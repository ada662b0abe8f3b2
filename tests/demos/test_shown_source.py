"""The source that pages show is the source that they run."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import override_settings
from django.utils.html import strip_tags

from apps.demos import shown_source
from apps.demos.explained import TRANSPORTS


def text_of(source: shown_source.ShownSource) -> str:
    return unescape(strip_tags(source.html))


@pytest.fixture
def static_folder(tmp_path: Path) -> Iterator[Path]:
    """Return a static folder to put files into."""
    finders.get_finder.cache_clear()
    with override_settings(STATICFILES_DIRS=[tmp_path]):
        yield tmp_path
    finders.get_finder.cache_clear()


@pytest.mark.parametrize("name", [transport.name for transport in TRANSPORTS])
def test_twin_is_shown_whole(name: str) -> None:
    file = Path(f"apps/transports/static/transports/{name}.js")
    assert text_of(shown_source.whole_file(f"transports/{name}.js")).strip() == file.read_text().strip()


@pytest.mark.parametrize("stem", ["transport_page", "chat_socket", "answer_stream", "article"])
def test_shown_lines_are_lines_of_the_module(stem: str) -> None:
    lines = [line.strip() for line in Path(f"apps/demos/static/demos/{stem}.js").read_text().splitlines()]
    shown = text_of(shown_source.shown_region(f"demos/{stem}.js")).splitlines()
    assert len(shown) >= 5
    assert all(line.strip() in lines for line in shown)


def test_region_loses_its_indentation_and_is_escaped(static_folder: Path) -> None:
    (static_folder / "a.js").write_text(
        "f();\n  // #region shown\n  if (a < b) {\n    go();\n  }\n  // #endregion\ng();\n"
    )
    source = shown_source.shown_region("a.js")
    assert text_of(source) == "if (a < b) {\n  go();\n}\n"
    assert "&lt;" in source.html
    assert source.lines == 3


def test_file_without_a_region_is_an_error_that_says_what_to_do(static_folder: Path) -> None:
    (static_folder / "b.js").write_text("f();\n")
    with pytest.raises(ValueError, match=r"b\.js has nothing between .* mark what to show"):
        shown_source.shown_region("b.js")


def test_missing_file_is_an_error_that_names_it() -> None:
    with pytest.raises(FileNotFoundError, match=r"no static folder has nowhere\.js"):
        shown_source.whole_file("nowhere.js")
