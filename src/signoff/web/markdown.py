"""Markdown from people and models as safe HTML: words and structure only, nothing active, nothing fetched.

Two nets, one behind the other: the parser knows no raw HTML and draws no image, and what it made passes an allow-list
of elements. The result belongs inside an element with ``hx-ignore`` (the ``ui.markdown`` macro has it), so that htmx
reads no attribute in it either.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any, cast

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

TEXT_MAX = 200_000
TOP_LEVEL = 3
"""Headings start here: the page has its h1, the card around the text its h2."""
ELEMENTS = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "s"),
    *("a", "table", "thead", "tbody", "tr", "th", "td"),
}
SCHEMES = {"http", "https", "mailto"}


def markdown_html(text: str) -> Markup:
    """Safe HTML. More than 200,000 characters are cut, and the text says so at its end."""
    body = _parser().render(text[:TEXT_MAX])
    if len(text) > TEXT_MAX:
        body += f"<p><em>{len(text) - TEXT_MAX:,} more characters are not shown.</em></p>"
    clean = nh3.clean(
        body,
        tags=ELEMENTS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return Markup(clean)  # noqa: S704 - cleaned to the allow-list above


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 40})
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.push("outline", _keep_outline)
    parser.add_render_rule("image", _image_as_words)
    return parser


def _keep_outline(state: Any) -> None:
    """Headings keep their order below the page's own, without a gap that would lose a reader who jumps by heading."""
    before = TOP_LEVEL - 1
    for token in cast(Sequence[Token], state.tokens):
        if token.type == "heading_open":
            before = min(int(token.tag[1]) + TOP_LEVEL - 1, before + 1, 6)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{before}"


def _image_as_words(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    """A picture from elsewhere would tell its host who reads this, and when; so it stays words."""
    token = tokens[index]
    alt = renderer.renderInlineAsText(token.children or [], options, env)
    return str(Markup("<em>[picture: {}]</em>").format(alt or "no description"))
