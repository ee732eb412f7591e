"""Drafts: going back and forth among their texts, and hearing of what others save."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.acceptance.product import Product


def head(product: Product, slug: str) -> dict[str, Any]:
    return product.get(f"agents/{slug}/draft")


def save(product: Product, slug: str, body: dict[str, Any], version: int) -> None:
    saved = product.call("PUT", f"agents/{slug}/draft", json={"body": body, "version": version})
    assert saved.status_code == 200, saved.text


def test_f9_edit_undo_redo_and_reset_bring_back_the_exact_text(product: Product):
    slug = product.agent("f9", sop="One.")
    first = head(product, slug)
    two = {**first["body"], "sop": "Two.", "limits": {"turns": 7}, "odd": [1.5, None, {"deep": "Größe"}]}
    three = {**two, "sop": "Three."}
    save(product, slug, two, first["version"])
    save(product, slug, three, head(product, slug)["version"])
    for verb, expected in (("undo", two), ("undo", first["body"]), ("redo", two), ("redo", three), ("undo", two)):
        before = head(product, slug)["version"]
        told = product.post(f"agents/{slug}/draft:{verb}", {"version": before})
        assert (told["version"], told["body"]) == (before + 1, expected)
        assert head(product, slug)["body"] == expected
    # Whoever comes too late changes nothing and gets the text that is there.
    late = product.post(f"agents/{slug}/draft:undo", {"version": 1}, status=409)
    assert (late["code"], late["current"]["body"]) == ("stale_draft", two)
    frozen = product.get(f"agents/{slug}/revisions/1")["body"]
    reset = product.post(f"agents/{slug}/draft:reset", {"version": head(product, slug)["version"], "revision": "live"})
    assert reset["body"] == frozen
    assert product.post(f"agents/{slug}/draft:undo", {"version": reset["version"]})["body"] == two
    kinds = [one["kind"] for one in product.get(f"agents/{slug}/draft/versions")["saves"]]
    assert kinds[:2] == ["undone", "reset"]


def listening(product: Product, slug: str) -> Generator[dict[str, Any]]:
    """The events of a draft, as another client hears them, with the moment of each."""
    where = f"{product.address}/v1/{product.workspace}/agents/{slug}/draft/events"
    with httpx2.stream("GET", where, headers={"Authorization": f"Bearer {product.key}"}, timeout=60) as stream:
        assert stream.status_code == 200
        kind = ""
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield {"event": kind, **json.loads(value), "heard_at": datetime.now(UTC)}


def test_f10_a_save_in_one_client_is_told_in_another_within_a_second(product: Product):
    slug = product.agent("f10", sop="One.")
    events = listening(product, slug)
    first = next(events)
    assert (first["event"], first["version"]) == ("draft", 1)
    save(product, slug, {**head(product, slug)["body"], "sop": "Two."}, 1)
    told = next(events)
    assert (told["event"], told["version"], told["kind"]) == ("draft", 2, "saved")
    assert head(product, slug)["version"] == told["version"]
    # The row's own number.
    assert told["heard_at"] - datetime.fromisoformat(told["updated_at"]) < timedelta(seconds=1)
    product.post(f"agents/{slug}/draft:undo", {"version": 2})
    assert (next(events)["version"], head(product, slug)["body"]["sop"]) == (3, "One.")
    events.close()
