"""Every operation of the API is a tool, or is withheld for a reason that is written down."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from fastapi import FastAPI
from jsonschema import Draft202012Validator

from signoff.api import openapi
from signoff.api.mcp.catalog import Offered, read_tools
from signoff.api.mcp.withheld import ENOUGH, REASONS, WITHHELD
from signoff.api.permissions import NEEDS


@cache
def document() -> dict[str, Any]:
    app = FastAPI()
    openapi.describe(app)
    return app.openapi()


@cache
def tools() -> dict[str, Offered]:
    return read_tools(document())


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        one["operationId"]: (method, path, one)
        for path, methods in document()["paths"].items()
        for method, one in methods.items()
    }


def test_every_operation_is_classified():
    assert set(operations()) - set(WITHHELD) == set(), "Say in api/mcp/withheld.py whether it is a tool, or why not."
    assert set(WITHHELD) - set(operations()) == set(), "There is no such operation any more."
    assert list(WITHHELD) == list(NEEDS), "In the same order, so that a reader finds both."
    assert {reason for reason in WITHHELD.values() if reason} == set(REASONS)
    assert [name for name in ENOUGH if WITHHELD[name] is not None] == []


def test_an_operation_that_nobody_classified_is_no_tool():
    unknown = {**document(), "paths": {"/v1/{workspace}/new": {"get": {"operationId": "brand_new"}}}}
    assert read_tools(unknown) == {}


def test_what_deletes_or_is_a_secret_by_its_name_is_withheld():
    for name, (method, path, _) in operations().items():
        if method == "delete":
            assert WITHHELD[name], name
        # Lists of names and dates, without a value.
        if re.search(r"key|secret|login|factor|code", path) and method != "get":
            assert WITHHELD[name] or name == "find_login", name


def test_every_tool_stands_alone():
    """Names that clients take, arguments under names of their own, and a schema that refers to nothing outside."""
    assert len(tools()) > 100
    for name, tool in tools().items():
        assert re.fullmatch(r"[a-z_]{1,64}", name)
        assert tool.description, name
        schema = json.loads(tool.schema)
        Draft202012Validator.check_schema(schema)
        assert "#/components" not in tool.schema, name
        referred = set(re.findall(r'"#/\$defs/([^"]+)"', tool.schema))
        assert referred <= set(schema.get("$defs", {})), name
        _, path, operation = operations()[name]
        fields = [field["name"] for field in operation.get("parameters", ()) if field["name"] != "workspace"]
        assert "body" not in fields, "An argument of that name would hide the body."
        assert list(tool.places) == fields + (["body"] if "requestBody" in operation else []), name
        assert set(re.findall(r"{(\w+)}", path)) - {"workspace"} == {
            field for field, place in tool.places.items() if place == "path"
        }
        assert all(re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", field) for field in tool.places), name


def test_all_tools_together_are_short_enough_to_be_read():
    told = sum(len(tool.schema) + len(tool.description) for tool in tools().values())
    assert told < 120_000
