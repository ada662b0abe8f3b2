"""A page's HTML, read for what the tests ask about."""

from collections import Counter
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# SVG's own, which the pages write with a slash.
VOID |= {"path", "rect", "circle"}


class Markup(HTMLParser):
    """The elements of a page, in order.

    Attributes:
        elements: (tag, attributes) of each.
        ids: how often each id is used.
        mistakes: end tags that close nothing or the wrong element.
        text: all text outside scripts.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.mistakes: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.mistakes += [f"<{tag}> is never closed" for tag in self._open]
        self.ids = Counter(attributes["id"] for _, attributes in self.elements if "id" in attributes)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.mistakes.append(f"</{tag}> at line {self.getpos()[0]} closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "script":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element of this kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def by_id(self, element_id: str) -> dict[str, str]:
        """Return the attributes of the element with this id."""
        return next(attributes for _, attributes in self.elements if attributes.get("id") == element_id)
