"""What people may write: lines and names, made safe for everybody's screen."""

import re
import unicodedata

from apps.chat.chat_error import ChatError
from apps.chat.room import LINE_CHARS, NAME_CHARS

# In a terminal a line break would let one person forge the words of another ("hi\nYou said: …").
_LINE_BREAKS = re.compile(r"(?:\r\n|[\n\r\v\f\x85\u2028\u2029])+")
# ESC and the rest of C0 and C1 steer terminals; the bidirectional overrides turn the text around them.
_STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# What takes no room on the screen can't be a name by itself.
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Mn", "Me", "Zs", "Zl", "Zp"}


def clean_line(text: str) -> str:
    """Return `text` as one line without control characters; "" if nothing is left of it.

    Line breaks become spaces. Emoji made of several characters, and the joiners of Indic and Arabic scripts, stay.

    Raises:
        ChatError: it is longer than LINE_CHARS (`too_long`), or holds half of a surrogate pair (`bad_text`).
    """
    text = text.strip()
    if len(text) > LINE_CHARS:
        raise ChatError(
            "too_long",
            f"the line is {len(text)} characters long; at most {LINE_CHARS} fit",
            "it was not sent: send it in parts",
        )
    _check_unicode(text)
    return _STEERING.sub("", _LINE_BREAKS.sub(" ", text)).strip()


def clean_name(name: str) -> str:
    """Return `name` in one line of at most NAME_CHARS characters; "" if nothing visible is left of it.

    Raises:
        ChatError: it holds half of a surrogate pair (`bad_text`).
    """
    _check_unicode(name)
    name = unicodedata.normalize("NFC", _STEERING.sub("", _LINE_BREAKS.sub(" ", name)))
    name = " ".join(name.split())[:NAME_CHARS].rstrip()
    return name if any(unicodedata.category(character) not in _INVISIBLE for character in name) else ""


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ChatError(
            "bad_text",
            f"character {error.start + 1} of the text is half of a surrogate pair, which is no character",
            "send well-formed Unicode",
        ) from error
