"""A kind of connector is known wherever kinds are: what it may hold, how it is opened, read about and filled in."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from signoff.connections.kinds import checked_config
from signoff.connections.states import KINDS
from signoff.connectors.opening import OPENERS
from signoff.kit.errors import Malformed
from signoff.web.connection_form import Choices, config_from, fields_of
from signoff.web.connection_words import BY_KIND
from signoff.web.forms import Form
from signoff.web.templating import environment
from tests.contracts.kit_source import DOCS, ROOT

# One configuration of each kind, with every field that only this kind has.
EXAMPLES: dict[str, dict[str, Any]] = {
    "mcp_http": {"url": "https://erp.example.com/mcp", "headers": {"X-Area": "north"}},
    "mcp_stdio": {"command": "erp"},
    "openapi": {"url": "https://api.example.com/openapi.json", "headers": {}, "base_url": "https://api.example.com/"},
    "mail": {"folder": "/srv/mail"},
    "files": {"folder": "/srv/files"},
}
GUIDE = "docs/how-to/add-a-connector.md has the list of places."


def test_every_kind_is_opened_described_and_documented():
    rows = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "reference" / "connectors.md").read_text(), re.MULTILINE))
    known = {
        "OPENERS of connectors/opening.py": set(OPENERS),
        "KINDS of web/connection_words.py": set(BY_KIND),
        "the table of docs/reference/connectors.md": rows,
        "EXAMPLES of this test": set(EXAMPLES),
    }
    missing = {where: sorted(set(KINDS) - kinds) for where, kinds in known.items() if set(KINDS) - kinds}
    assert missing == {}, GUIDE


def test_no_kind_is_imported_past_the_one_place_that_opens_them():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    protected = next(one["protected_modules"] for one in contracts if one["id"] == "connector-kinds")
    opened = {name.rpartition(".link")[0] for opener in OPENERS.values() for name in imported_by(opener)}
    assert len(opened) > 1
    assert sorted(opened - set(protected)) == [], "Add these to the contract connector-kinds of pyproject.toml."


def imported_by(opener: Callable[..., object]) -> set[str]:
    """Return the modules that a function imports when it is called."""
    tree = ast.parse(inspect.getsource(opener))
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_a_kind_is_configured_with_can_be_typed_into_its_form(kind: str):
    wanted = EXAMPLES[kind]
    form = fields_of(kind, wanted)
    assert checked_config(kind, config_from(kind, form)) == checked_config(kind, wanted), GUIDE


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_form_of_a_kind_has_a_field_for_all_it_may_hold(kind: str):
    fields = environment().from_string("{{ ui.connection_fields(kind, f, {}, choices) }}")
    html = fields.render(kind=kind, f=Form(), choices=Choices(("erp",), ("/srv",), False))
    drawn = set(re.findall(r'name="(\w+)"', html))
    assert sorted(set(EXAMPLES[kind]) - drawn) == [], "Draw these in web/components/connections.html."


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_kind_refuses_a_field_it_does_not_know(kind: str):
    with pytest.raises(Malformed, match="is not a field here"):
        checked_config(kind, {**EXAMPLES[kind], "no_such_field": 1})
