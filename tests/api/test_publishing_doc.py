"""docs/PUBLISHING.md and the code say the same."""

import re
from pathlib import Path

CODE = "".join(path.read_text() for path in Path("apps/api").glob("*.py"))
TABLE = [line for line in Path("docs/PUBLISHING.md").read_text().splitlines() if re.match(r"\| \d{3} \|", line)]


def test_every_refusal_is_in_the_table_and_no_other():
    raised = re.findall(r'(?:Refusal\(\s*\d{3},|bad_request\()\s*"([a-z_]+)"', CODE)
    documented = [code for line in TABLE for code in re.findall(r"`([a-z_]+)`", line)]

    assert sorted(set(raised)) == sorted(documented)
