"""Log lines for people to read, one record a line whatever a client sent."""

import logging
import re

# C0 and C1 controls (line breaks, escape sequences of terminals), the line and paragraph separators, and characters
# that turn the direction of what follows.
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OneLine(logging.Formatter):
    """Write what would begin another line, or move the cursor, as an escape; indent tracebacks.

    A path, a name or a header ends up in messages. Without this, one with a line break in it writes the log's next line
    itself (CWE-117). A traceback has lines of its own, and an error's words may quote a client: none of them begins
    where a record does.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = _NOT_PRINTED.sub(_escaped, record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        first, *more = super().format(record).splitlines()
        return "\n".join([first, *("    " + line for line in more)])


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
