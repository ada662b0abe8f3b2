"""The table of problems is whole: in the code, in docs/API.md, and in what is raised."""

import re
from pathlib import Path

from apps.api.problems import PROBLEMS

CODE = "".join(path.read_text() for path in Path("apps/api").glob("*.py"))
TOKENS = Path("apps/access/tokens.py").read_text()
ROWS = re.findall(r"^\| (\d{3}) \| `([a-z_]+)` \|", Path("docs/API.md").read_text(), re.MULTILINE)


def test_every_refusal_is_in_the_table_with_its_status_and_no_other_is():
    raised = set(re.findall(r'Refusal\(\s*(\d{3}),\s*"([a-z_]+)"', CODE))
    raised |= {("401", code) for code in re.findall(r'TokenError\(\s*"([a-z_]+)"', TOKENS)}
    raised |= {("400", code) for code in re.findall(r'bad_request\(\s*"([a-z_]+)"', CODE)}

    assert raised == {(str(problem.status), code) for code, problem in PROBLEMS.items()}


def test_the_documentation_has_the_same_table_in_the_same_order():
    assert [(str(problem.status), code) for code, problem in PROBLEMS.items()] == ROWS
