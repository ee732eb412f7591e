"""A page: draws its templates with ``view`` and ``chrome``, whole or as a fragment, and answers after a POST."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from signoff.kit.text import storable
from signoff.web.chrome import Chrome, chrome_of, zone_info
from signoff.web.filters import viewing
from signoff.web.flash import Flash, clear_flash, set_flash
from signoff.web.templating import HERE, environment


def is_htmx(request: Request) -> bool:
    """The request was made by htmx, for a piece or for a whole page."""
    return request.headers.get("hx-request") == "true"


def is_partial(request: Request) -> bool:
    """htmx wants a piece to put somewhere, not a whole page (``HX-Request`` alone also comes with whole pages)."""
    return request.headers.get("hx-request-type") == "partial"


class Page:
    """The templates of one page folder. In ``web/pages/<page>/route.py``: ``page = Page(__file__)``."""

    def __init__(self, file: str) -> None:
        self.folder = Path(file).resolve().parent.relative_to(HERE).as_posix()

    def draw(
        self,
        request: Request,
        template: str,
        view: object,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """The answer. The template sees ``view`` and ``chrome``; a name it does not know is an error, not a gap."""
        return respond(request, environment().get_template(f"{self.folder}/{template}"), view, status, headers)

    def page_or_fragment(
        self, request: Request, view: object, fragment: str, template: str = "page.html", status: int = 200
    ) -> HTMLResponse:
        """One address, two forms: htmx gets the fragment, a browser (also the Back button) the whole page."""
        return self.draw(request, fragment if is_partial(request) else template, view, status)

    def text(self, fragment: str, view: object, chrome: Chrome) -> str:
        """A fragment as text, for the event stream."""
        return draw_text(environment().get_template(f"{self.folder}/{fragment}"), view, chrome)

    def after_post(
        self,
        request: Request,
        to: str,
        flash: Flash | None = None,
        fragment: str = "",
        view: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """What follows a POST that did its work: the fragment for htmx (its toast inside), else on to ``to``."""
        if not (fragment and is_partial(request)):
            return see_other(request, to, flash)
        template = environment().get_template(f"{self.folder}/{fragment}")
        return respond(request, template, view, 200, headers, after=_toast(flash) if flash else "")


def see_other(request: Request, to: str, flash: Flash | None = None) -> Response:
    """On to another address of ours after a POST: 303, or the header that htmx obeys. ValueError for elsewhere."""
    if not to.startswith("/") or to.startswith(("//", "/\\")):
        raise ValueError("a redirect stays on this site")
    response: Response
    if is_htmx(request):
        response = Response(status_code=200, headers={"HX-Redirect": to, "Cache-Control": "no-store"})
    else:
        response = RedirectResponse(to, status_code=303)
    if flash:
        set_flash(response, flash)
    return response


def respond(
    request: Request,
    template: Template,
    view: object,
    status: int,
    headers: Mapping[str, str] | None = None,
    after: str = "",
) -> HTMLResponse:
    """A template of any folder as the answer, with the headers every page has."""
    chrome = chrome_of(request)
    response = HTMLResponse(draw_text(template, view, chrome) + after, status_code=status, headers=dict(headers or {}))
    # Page and fragment share an address: keep them apart in every cache, also the one behind the Back button.
    response.headers.append("Vary", "HX-Request-Type, Cookie")
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if chrome.flash and not is_partial(request):
        clear_flash(response)
    return response


def draw_text(template: Template, view: object, chrome: Chrome) -> str:
    """The template as text, its times in the reader's zone.

    What a model sent as JSON within a text comes alive when it is drawn: half a character is shown as the sign for one
    that is missing, and no page fails by it.
    """
    with viewing(zone_info(chrome.zone), chrome.drawn_at):
        return storable(template.render(view=view, chrome=chrome))


def _toast(flash: Flash) -> str:
    return environment().get_template("layout/_toast.html").render(flash=flash)
