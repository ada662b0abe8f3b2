"""What an editor may not put into a notification."""

import unicodedata
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Control characters, and halves of surrogate pairs, which a shell can hand over and no database keeps.
_NOT_TEXT = {"Cc", "Cs"}


def validate_one_line(text: str) -> None:
    """Accept text without control characters, line breaks included.

    Raises:
        ValidationError: there is one; the message names it.
    """
    _refuse_controls(text, allowed="")


def validate_lines(text: str) -> None:
    """Accept text whose only control characters are line breaks and tabs.

    Raises:
        ValidationError: there is another one; the message names it.
    """
    _refuse_controls(text, allowed="\n\t")


def validate_link(link: str) -> None:
    """Accept what is safe to put into a page as an address: http(s), or a path of this site such as `/guide/`.

    Neither `javascript:` and its like, nor `//host`: that looks like a path and leads to another site. Browsers read
    a backslash as a slash and skip tabs and line breaks, so that `/\\host` is one of those too.

    Raises:
        ValidationError: it is something else.
    """
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in link):
        raise ValidationError(
            _("The link contains a space, a backslash or an invisible character. Please write it percent-encoded."),
            code="link_characters",
        )
    if link.startswith("/") and not link.startswith("//"):
        return
    try:
        parts = urlsplit(link)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        parts.port  # noqa: B018  (reading it checks it)
    except ValueError:
        is_web = False
    if not is_web:
        raise ValidationError(
            _("“%(link)s” can’t be posted as a link: begin with https://, http:// or a single slash (/guide/)."),
            code="link",
            params={"link": link[:60]},
        )


def _refuse_controls(text: str, *, allowed: str) -> None:
    for character in text:
        if unicodedata.category(character) in _NOT_TEXT and character not in allowed:
            raise ValidationError(
                _("There is an invisible control character (U+%(code_point)s) in this text. Please delete it."),
                code="control_character",
                params={"code_point": f"{ord(character):04X}"},
            )
