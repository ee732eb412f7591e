"""The form for a new connection, for every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signoff.connections.queries import connection_by_slug
from signoff.connections.views import ConnectionDetail
from signoff.settings import StdioCommand
from signoff.tables.connections import Connection
from tests.web.pages.conftest import Site

PLANTED = "planted-4711-token"
GOOD = {"name": "Shop", "slug": "shop", "environment": "staging"}


@pytest.fixture
def allowed(site: Site, tmp_path: Path) -> Path:
    """A folder and a program the operator allows."""
    own = site.app.state.house.settings
    own.mail_roots = [tmp_path]
    own.stdio_commands = {"erp": StdioCommand(command="erp-server")}
    return tmp_path


def post(site: Site, who: str = "mei", **fields: str):
    return site.browser(who).post(f"{site.base}/connections/new", data={**GOOD, **fields})


def made(site: Site, slug: str = "shop", environment: str = "staging") -> ConnectionDetail:
    with site.store.read() as session:
        return connection_by_slug(session, site.seeded.owner, environment=environment, slug=slug)


def is_made(site: Site) -> bool:
    with site.store.read() as session:
        return session.query(Connection).filter_by(slug="shop").count() > 0


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop"},
    "servers": [{"url": "https://api.shop.example"}],
    "paths": {},
}


@pytest.mark.parametrize(
    ("fields", "config"),
    [
        (
            {
                "kind": "mcp_http",
                "url": "https://a.example/mcp",
                "headers": "Authorization: Bearer {{secret.T}}\nX-A: b",
            },
            {"url": "https://a.example/mcp", "headers": {"Authorization": "Bearer {{secret.T}}", "X-A": "b"}},
        ),
        (
            {
                "kind": "openapi",
                "way": "url",
                "url": "https://a.example/o.json",
                "document": "",
                "timeout_seconds": "20",
            },
            {"url": "https://a.example/o.json", "headers": {}, "timeout_seconds": 20},
        ),
        (
            {"kind": "openapi", "way": "document", "url": "", "document": json.dumps(DOCUMENT)},
            {"document": DOCUMENT, "headers": {}},
        ),
        ({"kind": "mcp_stdio", "command": "erp"}, {"command": "erp"}),
    ],
)
def test_each_kind_is_made_as_it_was_typed(
    site: Site, allowed: Path, fields: dict[str, str], config: dict[str, object]
):
    answer = post(site, **fields)
    found = made(site)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{site.base}/connections/{found.row.id}"
    assert found.config == config
    assert (found.row.kind, found.row.name, found.row.environment_slug) == (fields["kind"], "Shop", "staging")


@pytest.mark.parametrize("kind", ["mail", "files"])
def test_folders_below_the_operators_roots_only(site: Site, allowed: Path, kind: str):
    (allowed / "in").mkdir()
    outside = post(site, kind=kind, folder="/etc")
    assert outside.status_code == 422
    assert "mail_roots" in outside.text
    assert 'value="/etc"' in outside.text
    assert not is_made(site)
    assert post(site, kind=kind, folder=str(allowed / "in")).status_code == 303
    assert made(site).config == {"folder": str(allowed / "in")}


def test_a_program_is_picked_from_the_operators_and_never_typed(site: Site, allowed: Path):
    shown = site.browser().get(f"{site.base}/connections/new?kind=mcp_stdio").text
    assert '<option value="erp">' in shown
    for command in ("/bin/sh", "erp; rm -rf /", "other", ""):
        answer = post(site, kind="mcp_stdio", command=command)
        assert answer.status_code == 422
    assert not is_made(site)


def test_where_the_operator_allows_nothing_it_says_so(site: Site):
    for kind, word in (("mcp_stdio", "stdio_commands"), ("mail", "mail_roots")):
        html = site.browser().get(f"{site.base}/connections/new?kind={kind}").text
        assert word in html


@pytest.mark.parametrize(
    ("fields", "field", "word"),
    [
        ({"kind": "mcp_http", "url": "ftp://x"}, "f-url", "http"),
        ({"kind": "mcp_http", "url": ""}, "f-url", "Give the address"),
        (
            {"kind": "mcp_http", "url": "https://a.example", "headers": "nonsense"},
            "f-headers",
            "Line 1 is not a header",
        ),
        ({"kind": "mcp_http", "url": "https://a.example", "timeout_seconds": "long"}, "f-timeout_seconds", "1 to 600"),
        ({"kind": "openapi", "way": "document", "document": "{"}, "f-document", "This is not JSON"),
        ({"kind": "mcp_http", "url": "https://a.example", "slug": "No Slug"}, "f-slug", "A slug is"),
        ({"kind": "mcp_http", "url": "https://a.example", "slug": "erp"}, "f-slug", "taken in this environment"),
        ({"kind": "mcp_http", "url": "https://a.example", "name": " "}, "f-name", "Give a name"),
    ],
)
def test_errors_stand_at_their_field_and_what_was_typed_stays(
    site: Site, fields: dict[str, str], field: str, word: str
):
    answer = post(site, **fields)
    assert answer.status_code in (409, 422)
    message = answer.text.split(f'id="{field}-error"')[1].split("</div>")[0]
    assert word in message
    if fields.get("name") is None:
        assert 'value="Shop"' in answer.text
    if fields.get("url"):
        assert f'value="{fields["url"]}"' in answer.text
    assert not is_made(site)


def test_a_login_typed_into_a_header_is_refused_and_not_shown_again(site: Site):
    headers = f"Authorization: Bearer {PLANTED}\nX-Client: signoff"
    answer = post(site, kind="mcp_http", url="https://a.example", headers=headers)
    assert answer.status_code == 422
    assert "holds a login" in answer.text
    assert PLANTED not in answer.text
    assert "X-Client: signoff" in answer.text
    assert not is_made(site)


def test_a_login_in_an_address_is_not_shown_again(site: Site):
    answer = post(site, kind="mcp_http", url=f"https://me:{PLANTED}@a.example/mcp")
    assert answer.status_code == 422
    assert PLANTED not in answer.text


def test_who_may_not_is_told_which_role_it_takes(site: Site):
    for who in ("ines", "tomasz", "rosa"):
        assert site.browser(who).get(f"{site.base}/connections/new").status_code == 403
        assert post(site, who, kind="mcp_http", url="https://a.example").status_code == 403
    assert not is_made(site)


def test_an_unknown_kind_is_answered_with_the_kinds(site: Site):
    answer = post(site, kind="telnet", url="https://a.example")
    assert answer.status_code == 422
    assert "What do you want to connect?" in answer.text
