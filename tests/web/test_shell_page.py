"""Drawing: whole pages, fragments, redirects, messages, problems; and the rules templates keep."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from jinja2 import UndefinedError
from starlette.requests import Request
from starlette.testclient import TestClient

from signoff.runs.states import EffectState, RunState, Settlement, WaitingFor
from signoff.web.assets import HERE as STATIC
from signoff.web.assets import assets, icon
from signoff.web.chrome import Chrome
from signoff.web.flash import Flash, read_flash
from signoff.web.looks import LOOKS, WAITING_FOR
from signoff.web.navigation import LINKS
from signoff.web.page import Page, see_other
from signoff.web.problem import Problem
from signoff.web.templating import HERE, environment
from tests.web.kitchen_app import make_app

PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
PAGES = ("/", "/kitchen/run", "/kitchen/sop", "/sign-in", "/missing", "/missing?signed=1", "/broken")


@pytest.fixture
def client() -> TestClient:
    return TestClient(make_app(), follow_redirects=False)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_one_title_and_nothing_inline(client: TestClient, path: str):
    html = client.get(path).text
    assert len(re.findall(r"<h1[ >]", html)) == 1
    assert not re.search(r"""\s(style|on[a-z]+|hx-on[^=]*)\s*=\s*["']""", html)
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert "<style" not in html


def test_one_address_answers_page_or_fragment_and_caches_keep_them_apart(client: TestClient):
    page, fragment = client.get("/"), client.get("/", headers=PARTIAL)
    assert page.text.startswith("<!doctype html>")
    assert "<!doctype" not in fragment.text
    assert "<table" in fragment.text
    for answer in (page, fragment):
        assert "HX-Request-Type" in answer.headers["vary"]
        assert answer.headers["cache-control"] == "private, no-cache"
    assert client.get("/", headers={"hx-request": "true", "hx-request-type": "full"}).text.startswith("<!doctype")


def test_a_message_survives_the_redirect_once(client: TestClient):
    answer = client.post("/save")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Revision 15 is frozen" in client.get("/").text
    assert "Revision 15 is frozen" not in client.get("/").text


def test_htmx_is_told_to_go_there(client: TestClient):
    answer = client.post("/save", headers=PARTIAL)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/")


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", "runs"])
def test_redirects_stay_here(to: str):
    with pytest.raises(ValueError, match="stays"):
        see_other(Request({"type": "http", "headers": []}), to)


@pytest.mark.parametrize("value", ["", "%%%", "bm90IGpzb24", "WzEsMiwzXQ", "e30", "WyJhIl0"])
def test_a_strange_message_cookie_is_no_message(value: str):
    assert read_flash(Request({"type": "http", "headers": [(b"cookie", f"flash={value}".encode())]})) is None


def test_a_refusal_says_the_fact_and_the_next_step(client: TestClient):
    answer = client.get("/missing")
    assert answer.status_code == 404
    assert "There is no run with this id." in answer.text
    assert "Go to Home" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    fragment = client.get("/missing", headers=PARTIAL)
    assert fragment.status_code == 404
    assert "There%20is%20no%20run" in fragment.headers["x-message"]


def test_no_two_places_in_the_side_bar_share_a_letter_or_a_key():
    for taken in ([link.go for link in LINKS if link.go], [link.key for link in LINKS], [link.path for link in LINKS]):
        assert sorted(set(taken)) == sorted(taken), "Give the new place in web/navigation.py one that nobody has yet."


def test_the_navigation_marks_where_one_is_and_what_waits():
    chrome = Chrome(base="/w/acme", path="/w/acme/runs/run_1")
    assert chrome.is_here("/runs")
    assert not chrome.is_here("/")
    assert Chrome(base="/w/acme", path="/w/acme").is_here("/")
    assert (chrome.href("/"), chrome.href("/runs")) == ("/w/acme", "/w/acme/runs")


def test_the_zone_and_theme_of_a_cookie_are_checked(client: TestClient):
    client.cookies.set("theme", '"><script>')
    client.cookies.set("tz", "../../etc/passwd")
    assert 'data-theme="system"' in client.get("/").text
    client.post("/theme", data={"theme": "dark"})
    assert 'data-theme="dark"' in TestClient(make_app(), cookies={"theme": "dark"}).get("/").text


def test_a_misspelt_name_fails():
    with pytest.raises(UndefinedError):
        environment().get_template("layout/_problem.html").render(view=Chrome(), chrome=Chrome())


def test_every_state_of_a_run_has_a_look():
    assert set(get_args(RunState)) | set(get_args(EffectState)) | set(get_args(Settlement)) <= set(LOOKS)
    assert set(get_args(WaitingFor)) <= set(WAITING_FOR)


def test_every_component_is_shown_in_the_kitchen():
    kitchen = "".join(path.read_text() for path in (HERE.parents[2] / "tests/web/kitchen").glob("*.html"))
    used = kitchen + "".join(path.read_text() for path in HERE.glob("layout/*.html"))
    used += "".join(path.read_text() for path in HERE.glob("components/*.html"))
    names = environment().globals["ui"].names()
    missing = [
        name for name in names if not re.search(rf"\bui\.{name}\(|(?<!macro ){{% call {name}\(|[{{ ]{name}\(", used)
    ]
    assert missing == []


def test_templates_write_no_code_into_attributes():
    for path in [*HERE.glob("**/*.html")]:
        text = path.read_text()
        assert not re.search(r"""\s(style|on[a-z]+)=["']|hx-on|["']js:|\|\s*safe\b""", text), path.name


def test_assets_are_hashed_small_and_nothing_else_leaves():
    client = TestClient(make_app())
    for name, limit in (("app.js", 30_000), ("app.css", 20_000), ("sop.js", 5_000)):
        asset = assets().get(name)
        assert asset.packed is not None
        assert len(asset.packed) <= limit, name
        answer = client.get(assets().url(name))
        assert "immutable" in answer.headers["cache-control"]
        assert client.get(f"/static/{name}").headers["cache-control"] == "no-cache"
    for bad in (
        "../app.py",
        "..%2fassets.py",
        "vendor/__init__.py",
        "vendor/icons.json",
        "css",
        "none.css",
        "a%00.css",
    ):
        assert client.get(f"/static/{bad}").status_code == 404
    assert "url(geist" not in assets().get("app.css").body.decode()
    assert (STATIC / "favicon.svg").is_file()


def test_an_unknown_icon_is_found_by_tests():
    with pytest.raises(KeyError):
        icon("no-such-icon")
    assert 'aria-label="a &amp; b"' in icon("house", label="a & b")


def test_pages_stay_light(client: TestClient):
    import gzip

    for path in PAGES:
        assert len(gzip.compress(client.get(path).content)) <= 25_000


def test_the_palette_finds_pages_and_runs(client: TestClient):
    found = client.get("/palette?q=conn").text
    assert "Connections" in found
    assert "Brightwater" in client.get("/palette?q=bright").text
    assert "Nothing found" in client.get("/palette?q=zzzz").text
    assert "&lt;b&gt;" not in client.get("/palette?q=%3Cb%3E").text


def _request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": raw, "state": {}})


def test_a_page_draws_what_lies_in_its_folder():
    page = Page(str(HERE / "layout" / "route.py"))
    view = Problem(409, "Somebody was first", "Ines saved at 14:31.")
    whole = page.page_or_fragment(_request(), view, "_problem.html", "problem.html", status=409)
    piece = page.page_or_fragment(
        _request(hx_request_type="partial"), view, "_problem.html", "problem.html", status=409
    )
    assert (whole.status_code, piece.status_code) == (409, 409)
    assert bytes(whole.body).startswith(b"<!doctype html>")
    assert bytes(piece.body).lstrip().startswith(b'<div class="note"')
    assert "Ines saved" in page.text("_problem.html", view, Chrome())


def test_after_a_post_htmx_gets_the_fragment_with_its_message():
    page = Page(str(HERE / "layout" / "route.py"))
    view, flash = Problem(200, "Row", "drawn"), Flash("Saved", "<b>as it is</b>")
    piece = page.after_post(_request(hx_request_type="partial"), "/x", flash, "_problem.html", view)
    body = bytes(piece.body).decode()
    assert 'hx-target="#toasts"' in body
    assert "&lt;b&gt;as it is" in body
    assert piece.headers["content-length"] == str(len(piece.body))
    assert page.after_post(_request(), "/x", flash, "_problem.html", view).status_code == 303
