"""What the pages say about kinds of connections and their health."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.connections.states import Kind
from signoff.connections.views import ConnectionRow


@dataclass(frozen=True, slots=True)
class KindWords:
    """A kind for people: its name, its icon (Lucide), what it links to, and what one needs to have at hand."""

    kind: Kind
    name: str
    icon: str
    about: str
    needs: str


KINDS: tuple[KindWords, ...] = (
    KindWords(
        "mcp_http",
        "MCP server",
        "server",
        "A server that speaks the Model Context Protocol over HTTP. It lists its own tools.",
        "Its address, and a token if it asks for one.",
    ),
    KindWords(
        "openapi",
        "HTTP API",
        "braces",
        "Any web service that has an OpenAPI document. Each operation becomes a tool.",
        "The document's address, or its text.",
    ),
    KindWords(
        "mail",
        "Mail folder",
        "mailbox",
        "A folder of e-mail messages on this machine, read with their attachments.",
        "A folder that the operator's settings allow.",
    ),
    KindWords(
        "files",
        "File folder",
        "folder-open",
        "A folder of documents on this machine: text, tables, PDF. It is only read.",
        "A folder that the operator's settings allow.",
    ),
    KindWords(
        "mcp_stdio",
        "Local program",
        "square-terminal",
        "An MCP server that Signoff starts on this machine. Only the operator can name one.",
        "A program named in the operator's settings.",
    ),
)
BY_KIND = {words.kind: words for words in KINDS}


def words_of(kind: str) -> KindWords:
    """Return the words for a kind; one this release does not know is told by its own name."""
    return next((words for words in KINDS if words.kind == kind), KindWords("mcp_http", kind, "plug", "", ""))


def health_of(row: ConnectionRow) -> tuple[str, str]:
    """Return the state to draw (of `web.looks`), and the word when it is not that state's own."""
    if row.state == "disconnected":
        return "retired", "Disconnected"
    if row.state == "disabled":
        return "disabled", ""
    if row.health == "broken":
        return "failing", ""
    if row.tools_waiting:
        return "changed", ""
    return ("healthy", "") if row.health == "ok" else ("untested", "")
