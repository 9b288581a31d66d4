"""Markdown that people write, as HTML that can do nothing: no raw HTML, no images, no links that run scripts."""

from collections.abc import Iterable

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token

_READER = MarkdownIt("js-default").disable("image")
# Inline styles are not for our pages (content security policy), classes are.
_ALIGNMENTS = {"text-align:left": "", "text-align:center": "text-center", "text-align:right": "num"}


def render(text: str, *, rel: str = "") -> SafeString:
    """CommonMark with tables; `rel` goes to every link. Headings begin one level lower: the page has its own first one."""
    tokens = _READER.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
        elif token.type == "table_open":
            token.attrSet("class", "table")
        elif "style" in token.attrs:
            token.attrSet("class", _ALIGNMENTS[str(token.attrs.pop("style"))])
        for inner in token.children or ():
            if rel and inner.type == "link_open":
                inner.attrSet("rel", rel)
    html: str = _READER.renderer.render(list(_framed(tokens)), _READER.options, {})
    return mark_safe(html)  # raw HTML is off in this reader


def _framed(tokens: Iterable[Token]) -> Iterable[Token]:
    """With a frame around each table, in which it scrolls where it is too wide."""
    for token in tokens:
        if token.type == "table_open":
            attrs: dict[str, str | int | float] = {
                "class": "table-scroll",
                "role": "region",
                "tabindex": 0,
                "aria-label": _("Table"),
            }
            yield Token("frame_open", "div", 1, attrs=attrs, block=True)
        yield token
        if token.type == "table_close":
            yield Token("frame_close", "div", -1, block=True)
