"""What the command palette finds: pages of the navigation, and whatever else a route adds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse

from signoff.web.chrome import Chrome
from signoff.web.navigation import LINKS
from signoff.web.page import respond
from signoff.web.templating import environment

ROWS_MAX = 12


@dataclass(frozen=True, slots=True)
class PaletteRow:
    """One result: a link with its icon, and a quiet word for what kind of thing it is."""

    text: str
    href: str
    icon: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PaletteView:
    """What ``layout/_palette.html`` draws."""

    rows: tuple[PaletteRow, ...]


def page_rows(chrome: Chrome, words: str) -> list[PaletteRow]:
    """The pages whose name holds these words; all of them for none."""
    wanted = words.strip().lower()
    found = (link for link in LINKS if wanted in link.text.lower())
    return [PaletteRow(link.text, chrome.href(link.path), link.icon, "Page") for link in found]


def draw_palette(request: Request, rows: Iterable[PaletteRow]) -> HTMLResponse:
    """The list under the search field: at most 12 rows, in the order given."""
    view = PaletteView(tuple(rows)[:ROWS_MAX])
    return respond(request, environment().get_template("layout/_palette.html"), view, 200)
