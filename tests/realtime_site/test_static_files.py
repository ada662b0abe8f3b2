"""Static files under hashed names."""

import re
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from pytest_django import Settings

from realtime_site.static_files import ModuleManifestStorage

HASHED = r"\.[0-9a-f]{12}\.js"


@pytest.fixture
def collected(tmp_path: Path, settings: Settings):
    """Collect modules given as {name: source} and return the hashed source of one."""
    settings.DEBUG = False

    def collect(modules: dict[str, str]) -> dict[str, str]:
        storage = ModuleManifestStorage(location=str(tmp_path), base_url="/static/")
        for name, source in modules.items():
            (tmp_path / name).write_text(source)
        plain = FileSystemStorage(location=str(tmp_path))
        for _, _, outcome in storage.post_process({name: (plain, name) for name in modules}):
            if isinstance(outcome, Exception):
                raise outcome
        return {name: (tmp_path / storage.stored_name(name)).read_text() for name in modules}

    return collect


def test_import_leads_to_the_hashed_name(collected) -> None:
    sources = collected({"page.js": 'import { a } from "./part.js";\n', "part.js": "export const a = 1;\n"})
    assert re.fullmatch(rf'import {{ a }} from "./part{HASHED}";\n', sources["page.js"])


def test_chain_of_ten_imports_is_settled(collected) -> None:
    # Named so that each pass comes to a module before it comes to the one that this imports.
    modules = {f"m{n}.js": f'import "./m{n + 1}.js";\n' for n in range(9)} | {"m9.js": "export {};\n"}
    sources = collected(modules)
    assert all(re.fullmatch(rf'import"./m{n + 1}{HASHED}";\n', sources[f"m{n}.js"]) for n in range(9))


@pytest.mark.parametrize(
    "comment",
    ['/**\n * Example:\n *     import { a } from "./page.js";\n */\n', '// import { a } from "./page.js";\n'],
    ids=["block", "line"],
)
def test_module_whose_comment_imports_itself_is_left_as_it_is(collected, comment: str) -> None:
    source = comment + "export const a = 1;\n"
    assert collected({"page.js": source})["page.js"] == source


def test_import_after_a_comment_is_rewritten(collected) -> None:
    source = '/* A comment. */\nimport { a } from "./part.js"; // and another\n'
    sources = collected({"page.js": source, "part.js": "export const a = 1;\n"})
    assert re.search(rf'"./part{HASHED}"; // and another', sources["page.js"])
