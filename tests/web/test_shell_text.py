"""Markdown stays words, and differences are marked where they are."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from signoff.web import diffs
from signoff.web.markdown import markdown_html


class Elements(HTMLParser):
    """Which elements and attributes a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](data:text/html,<script>x</script>)",
        "![a](https://evil.example/p.gif)",
        '[a](/x "\\" onclick=x")',
        "<div hx-get='/secrets' hx-trigger='load'>",
        "<style>*{display:none}</style>",
        "[a]: https://evil.example/p.gif\n\n![a]",
        "<iframe src=//evil.example>",
        '<https://ok.example/" onmouseover=alert(1)>',
    ],
)
def test_nothing_in_markdown_is_active_or_fetched(text: str):
    parser = Elements()
    parser.feed(markdown_html(text))
    assert parser.names <= {"p", "a", "em", "h3"}
    assert {name for name, _ in parser.attributes} <= {"href", "title", "rel"}
    assert all(not value.startswith(("javascript:", "data:")) for _, value in parser.attributes)


def test_links_give_nothing_away_and_headings_keep_their_order():
    drawn = markdown_html("# One\n\n#### Four\n\n## Two\n\n[x](https://a.example) **b** `c`\n\n| a |\n|---|\n| 1 |")
    assert 'rel="noopener noreferrer nofollow"' in drawn
    assert "<h3>One</h3>" in drawn
    assert "<h4>Four</h4>" in drawn
    assert "<h4>Two</h4>" in drawn
    assert "<table>" in drawn


def test_a_picture_becomes_its_words():
    assert "[picture: tracking pixel]" in markdown_html("![tracking pixel](https://evil.example/p.gif)")


def test_markdown_is_cut_and_says_so():
    assert "5 more characters are not shown" in markdown_html("a" * 200_005)
    assert len(markdown_html("> " * 5_000 + "x")) < 20_000


def test_a_changed_line_has_its_words_marked():
    diff = diffs.unified("one\nlimit is 5 percent here\nthree", "one\nlimit is 2 percent here\nthree")
    assert (diff.added, diff.removed, diff.is_same) == (1, 1, False)
    gone, came = (line for line in diff.lines if line.kind in ("del", "add"))
    assert gone.html == "limit is <del>5</del> percent here"
    assert came.html == "limit is <ins>2</ins> percent here"
    assert (gone.old, came.new) == (2, 2)


def test_lines_with_little_in_common_are_not_a_pair():
    diff = diffs.unified("Ask a person first.", "Zebra crossings matter.")
    assert not any("<del>" in line.html or "<ins>" in line.html for line in diff.lines)


def test_diffs_escape_and_have_limits():
    diff = diffs.unified("<b>a</b> is fine", "<b>c</b> is fine")
    assert not any("<b>" in line.html for line in diff.lines)
    assert diffs.unified("a\n" * 6_000, "a\n" * 6_000 + "b").is_cut
    assert diffs.unified("same", "same").is_same
    assert diffs.words("a <i> b", "a <i> c") == "a &lt;i&gt; <del>b</del><ins>c</ins>"


def test_a_hidden_start_is_announced():
    lines = diffs.unified("\n".join("abcdefghij"), "\n".join("abcdefghiX")).lines
    assert (lines[0].kind, lines[0].html) == ("skip", "from line 7")
