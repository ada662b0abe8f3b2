"""Static files under hashed names, JavaScript imports included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):
    """Rewrite `import … from "./x.js"` too: otherwise a module would load under two names, once hashed, once not."""

    support_js_module_import_aggregation = True
