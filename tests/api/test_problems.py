"""The table of problems is whole: in the code, in docs/API.md, and in what is raised."""

import re
from pathlib import Path

from django.test import Client

from apps.api.problems import MEDIA_TYPE, PROBLEMS

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


def test_a_foreign_host_name_is_a_problem_at_the_api_and_a_page_elsewhere():
    at_the_api = Client().get("/api/topics/lab.a/events", headers={"host": "elsewhere.example"})
    assert (at_the_api.status_code, at_the_api["Content-Type"]) == (400, MEDIA_TYPE)
    assert at_the_api.json()["code"] == "bad_host"
    page = Client().get("/account/sign-in/", headers={"host": "elsewhere.example"})
    assert page.status_code == 400
    assert "The server could not read this request" in page.content.decode()
    for answer in (at_the_api, page):
        assert b"elsewhere.example" not in answer.content
