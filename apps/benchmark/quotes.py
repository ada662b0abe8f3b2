"""What the documentation quotes of the newest report: written by the command, so that no figure is copied by hand.

A quote stands between two comments, which Markdown does not show:

    <!-- quoted from the newest benchmark: bars -->
    …
    <!-- end of quote -->
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from apps.benchmark import scaling
from apps.benchmark.results import Results, all_kept
from apps.benchmark.scaling import NotMeasured
from apps.benchmark.scenario import SCENARIOS
from apps.benchmark.table import bars_table, in_short

PROJECT = Path(__file__).resolve().parents[2]
# Document -> its language.
DOCUMENTS: Mapping[str, str] = {"README.md": "en", "README.zh-Hans.md": "zh-hans", "docs/SCALING.md": "en"}

_QUOTE = re.compile(
    r"(?P<begin><!-- quoted from the newest benchmark: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end of quote -->)",
    re.DOTALL,
)


# What makes two measurements of a scenario comparable.
_SIZES = ("clients", "loads", "seconds", "processes")


def is_quotable(results: Results) -> bool:
    """Return whether a run measured every scenario in its full size, to the end."""
    return not results.interrupted and all(
        name in results.scenarios and _sizes(results.scenarios[name]) == _sizes(asdict(scenario))
        for name, scenario in SCENARIOS.items()
    )


def _sizes(scenario: Mapping[str, Any]) -> str:
    return json.dumps([scenario.get(name) for name in _SIZES])


def newest() -> Results | None:
    """Return the newest run that is kept and may be quoted; None where there is none."""
    return next(filter(is_quotable, all_kept()), None)


def _machine(results: Results) -> str:
    about = results.machine
    words = _(
        "Measured on %(day)s with %(cores)s cores of %(processor)s, Python %(python)s, daphne %(daphne)s, Node %(node)s"
    )
    facts = {name: about.get(name, "?") for name in ("cores", "processor", "python", "daphne", "node")}
    return words % {"day": results.at[:10], **facts}


def _source(results: Results, folder: str) -> str:
    return f"{_machine(results)}: [{results.stem}.md]({folder}{results.stem}.md)."


QUOTES: Mapping[str, Callable[[Results], str]] = {
    "in-short": in_short,
    "bars": lambda results: f"{bars_table(results)}\n\n{_source(results, 'docs/results/')}",
    "source": lambda results: _source(results, "results/"),
    "measured": scaling.measured,
    "one-process": scaling.one_process,
    "one-machine": scaling.one_machine,
    "a-million": scaling.a_million,
}


def quoted(text: str, results: Results | None, language: str) -> str:
    """Return a document with its quotes as `results` has them; without any they say how to get some.

    Raises:
        KeyError: it asks for a quote that does not exist.
    """

    def quote(match: re.Match[str]) -> str:
        write = QUOTES[match["name"]]
        try:
            words = _("No whole report is kept yet: `make bench` writes one.") if results is None else write(results)
        except NotMeasured as error:
            words = _("The newest run has not measured this: %(what)s.") % {"what": error}
        return f"{match['begin']}{words}\n{match['end']}"

    with translation.override(language):
        return _QUOTE.sub(quote, text)


def refresh(results: Results | None, project: Path = PROJECT) -> list[Path]:
    """Write the quotes of all documents and return those that changed."""
    changed = []
    for name, language in DOCUMENTS.items():
        path = project / name
        before = path.read_text()
        after = quoted(before, results, language)
        if after != before:
            path.write_text(after)
            changed.append(path)
    return changed
