"""Markdown that operators write, as HTML that can do nothing: no raw HTML, no images, no links that run scripts."""

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_READER = MarkdownIt("js-default").disable("image")


def render(text: str) -> SafeString:
    """CommonMark with tables. Headings begin one level lower, because the page has its own first one."""
    tokens = _READER.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
    html: str = _READER.renderer.render(tokens, _READER.options, {})
    return mark_safe(html)  # raw HTML is off in this reader
