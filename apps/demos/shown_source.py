"""Source code for the pages: read from the very files that the browser runs, so it can't drift from them."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JavascriptLexer

# Editors fold these; the pages cut the shown lines out between them.
_REGION = re.compile(r"^[ \t]*// #region shown\n(.*?)^[ \t]*// #endregion", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A piece of JavaScript as HTML with classes for its tokens.

    Args:
        path: where it lies below the static folders, for example `transports/sse.js`.
        html: escaped and coloured.
        lines: how many lines it has.
    """

    path: str
    html: SafeString
    lines: int


def whole_file(path: str) -> ShownSource:
    """Return a static file.

    Raises:
        FileNotFoundError: no static folder has it.
    """
    return _coloured(path, _text(path))


def shown_region(path: str) -> ShownSource:
    """Return what a static file has between `// #region shown` and `// #endregion`, without their indentation.

    Raises:
        FileNotFoundError: no static folder has it.
        ValueError: it has no such region.
    """
    text = _text(path)
    regions = [_dedent(region) for region in _REGION.findall(text)]
    if not regions:
        raise ValueError(f"{path} has nothing between '// #region shown' and '// #endregion'; mark what to show")
    return _coloured(path, "\n".join(regions))


def _text(path: str) -> str:
    found = finders.find(path)
    if found is None:
        raise FileNotFoundError(f"no static folder has {path}")
    return _read(found, 0.0 if not settings.DEBUG else Path(found).stat().st_mtime)


@lru_cache(maxsize=64)
def _read(found: str, changed_at: float) -> str:
    """Read a file once; while developing, again whenever it changes."""
    return Path(found).read_text()


def _dedent(region: str) -> str:
    lines = region.splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines).strip("\n") + "\n"


@lru_cache(maxsize=64)
def _coloured(path: str, text: str) -> ShownSource:
    html = highlight(text, JavascriptLexer(), HtmlFormatter(nowrap=True))
    # Pygments escapes the text that it colours.
    return ShownSource(path, mark_safe(html), text.count("\n"))  # nosec B308 B703 - see above
