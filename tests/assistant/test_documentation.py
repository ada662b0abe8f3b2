"""docs/ASSISTANT.md holds what it says."""

import json
import re
import sys
import types
from pathlib import Path

from apps.assistant import question
from tests.assistant.asking import ask

PAGE = (Path(__file__).parents[2] / "docs" / "ASSISTANT.md").read_text(encoding="utf-8")


async def test_responder_of_the_documentation_answers(settings, monkeypatch):
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("documented_responder")
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, "documented_responder", module)
    settings.ASSISTANT_RESPONDER = "documented_responder.Parrot"
    answer = await ask("Polly wants")
    assert [frame.get("text") for frame in answer] == [None, "Polly ", "wants ", None, None]
    assert answer[-1] == {"type": "done"}


async def test_documented_frames_are_what_curl_shows():
    (shown,) = re.findall(r"```console\n\$ curl .*?q=jitter&lang=en'\n(.*?)```", PAGE, re.DOTALL)
    documented = [json.loads(line) for line in shown.splitlines() if line != "…"]
    answer = await ask("jitter", "en")
    assert answer[:3] + answer[-2:] == documented


def test_documented_codes_are_those_of_the_code():
    folder = Path(question.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    raised = re.findall(r'(?:bad_request\(|Refusal\(\s*\d+,)\s*"(\w+)"', source)
    table = PAGE.partition("## Errors")[2].partition("## Your own")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = [code for row in rows for code in re.findall(r"`(\w+)`", row)]
    assert sorted(set(raised)) == sorted(documented)
