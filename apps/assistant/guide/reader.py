"""Markdown file of a language -> its sections, as HTML for the page and as plain text for the assistant.

A section is a second-level heading and what follows, up to the next one. The line above the heading carries its
attributes: `{#anchor keywords="…" phrases="…"}`. `keywords` name the section's subject, so that one of them in a
question is enough to quote it; `phrases` are everyday words that people ask with, which count like the text's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_supported_language_variant
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.attrs import attrs_block_plugin

GUIDE_PATH = "/guide/"

_FOLDER = Path(__file__).parent
# "js-default" without HTML: what is not Markdown is shown as text, so a slip in a file can't become markup.
_MARKDOWN = MarkdownIt("js-default", {"html": False}).use(attrs_block_plugin)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the guide.

    `anchor` is the same in every language and is the fragment of `url`. `body_html` is safe to print in a template;
    `text` is the same words with blank lines between paragraphs and "• " before list items.
    """

    anchor: str
    title: str
    body_html: SafeString
    text: str
    keywords: str
    phrases: str

    @property
    def url(self) -> str:
        return f"{GUIDE_PATH}#{self.anchor}"


@dataclass(frozen=True, slots=True)
class Guide:
    """The guide in one language: its title, what stands before the first section, and the sections in order."""

    title: str
    introduction_html: SafeString
    sections: tuple[Section, ...]


def guide(language: str) -> Guide:
    """Return the guide in a language, or its nearest variant (`zh-cn` reads `zh-hans`), or else LANGUAGE_CODE."""
    try:
        return _read(get_supported_language_variant(language))
    except LookupError:
        return _read(settings.LANGUAGE_CODE)


def sections(language: str) -> list[Section]:
    """Return the guide's sections in a language, in the order of the page."""
    return list(guide(language).sections)


@cache
def _read(language: str) -> Guide:
    path = _FOLDER / f"{language}.md"
    title, introduction, found = "", [], []
    for heading, body in _split(_MARKDOWN.parse(path.read_text(encoding="utf-8"))):
        if heading is None:
            introduction = body
        elif heading.tag == "h1":
            title, introduction = heading.content, body
        elif not heading.attrs.get("id"):
            raise ValueError(f"{path.name}: the section {heading.content!r} has no anchor; write {{#anchor}} above it")
        else:
            found.append(
                Section(
                    anchor=str(heading.attrs["id"]),
                    title=heading.content,
                    body_html=_html(body),
                    text=_plain_text(body),
                    keywords=str(heading.attrs.get("keywords", "")),
                    phrases=str(heading.attrs.get("phrases", "")),
                )
            )
    return Guide(title, _html(introduction), tuple(found))


@dataclass(frozen=True, slots=True)
class _Heading:
    tag: str
    content: str
    attrs: dict[str, str | int | float]


def _split(tokens: Sequence[Token]) -> list[tuple[_Heading | None, list[Token]]]:
    """Cut a document at its first- and second-level headings."""
    parts: list[tuple[_Heading | None, list[Token]]] = [(None, [])]
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open" and token.tag in ("h1", "h2"):
            # A heading is always three tokens: open, inline, close.
            parts.append((_Heading(token.tag, tokens[index + 1].content, token.attrs), []))
            index += 3
        else:
            parts[-1][1].append(token)
            index += 1
    return parts


def _html(tokens: list[Token]) -> SafeString:
    # Safe: the source is a file of this app, and the parser escapes any HTML in it.
    return mark_safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # nosec B308 B703 - see above


def _plain_text(tokens: list[Token]) -> str:
    blocks: list[str] = []
    starts_item = False
    was_item = False
    for token in tokens:
        if token.type == "list_item_open":
            starts_item = True
        elif token.type in ("inline", "fence", "code_block"):
            words = _inline_text(token) if token.type == "inline" else token.content.rstrip("\n")
            if blocks:
                blocks.append("\n" if starts_item and was_item else "\n\n")
            blocks.append(f"• {words}" if starts_item else words)
            was_item, starts_item = starts_item, False
    return "".join(blocks)


def _inline_text(token: Token) -> str:
    return "".join(" " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or [])
