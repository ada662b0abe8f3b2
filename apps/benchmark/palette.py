"""The colours of the site's style sheet, for pictures that are drawn without it.

They are held apart for eyes without one of the cones (tests/demos/test_colours.py); a picture has light ground.
"""

import re
from pathlib import Path

_VARIABLES = Path(__file__).parents[1] / "demos" / "static" / "demos" / "variables.css"
_TOKENS = dict(re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), ", _VARIABLES.read_text()))

# By the name of the door that has it on the pages.
LINES: dict[str, str] = {
    name.removeprefix("line-"): colour for name, colour in _TOKENS.items() if name.startswith("line-")
}
INK, RULE = _TOKENS["ink"], _TOKENS["rule-strong"]
