"""Static files under hashed names, JavaScript imports included."""

import re
from collections.abc import Callable

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):
    """Rewrite `import … from "./x.js"` too: otherwise a module would load under two names, once hashed, once not."""

    support_js_module_import_aggregation = True
    # One pass settles one more link of a chain of imports; Django's 5 are fewer than the deepest chain has.
    max_post_process_passes = 20

    def url_converter(
        self, name: str, hashed_files: dict[str, str], template: str | None = None
    ) -> Callable[[re.Match[str]], str]:
        """Return what rewrites one import, and leaves those in comments alone.

        Django's patterns know no comments: an example in a module's own description that imports that module would
        make its hash depend on itself, and collectstatic give up.
        """
        convert = super().url_converter(name, hashed_files, template)
        return lambda match: match[0] if _is_in_comment(match) else convert(match)


def _is_in_comment(match: re.Match[str]) -> bool:
    before = match.string[: match.start()]
    line = before[before.rfind("\n") + 1 :].lstrip()
    return before.rfind("/*") > before.rfind("*/") or line.startswith("//")
