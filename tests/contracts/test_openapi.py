"""The API's description is complete, and the reference page is made from it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from signoff.api import openapi

DOCS = Path(__file__).parents[2] / "docs"


def document() -> dict[str, Any]:
    app = FastAPI()
    openapi.describe(app)
    return app.openapi()


def test_every_operation_says_how_it_can_go_wrong() -> None:
    found = document()
    assert found["openapi"].startswith("3.1")
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            told = operation["responses"]
            assert {"400", "422", "503"} <= set(told), (method, path)
            if operation["x-needs"]:
                assert {"401", "403", "404", "429"} <= set(told), (method, path)
            if "requestBody" in operation:
                assert {"409", "413", "415"} <= set(told), (method, path)
            assert operation["description"], (method, path)
    assert "HTTPValidationError" not in found["components"]["schemas"]


def test_a_read_that_tells_of_an_act_says_that_it_may_not_be_possible_now() -> None:
    paths = document()["paths"]
    for name in ("memory-scope/preview", "rollback-plan"):
        assert "409" in paths[f"/v1/{{workspace}}/agents/{{agent}}/{name}"]["get"]["responses"], name


def test_a_bundle_is_described_as_the_object_it_is() -> None:
    got = document()["paths"]["/v1/{workspace}/agents/{agent}/revisions/{revision}/bundle"]["get"]["responses"]["200"]
    schema = got["content"]["application/json"]["schema"]
    assert schema["type"] == "object"
    assert set(schema["required"]) == {"kind", "digest", "payload"}


def test_what_starts_or_creates_something_takes_an_idempotency_key() -> None:
    for path, methods in document()["paths"].items():
        operation = methods.get("post")
        creates = operation and {"201", "202"} & set(operation["responses"]) and ":cancel" not in path
        if creates:
            assert "Idempotency-Key" in {field["name"] for field in operation["parameters"]}, path


def test_the_reference_page_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("api_reference", DOCS / "api_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "reference" / "api.md").read_text() == module.page(), "Run python docs/api_reference.py."
