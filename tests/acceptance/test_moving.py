"""From one environment to the next, and to another installation: the same digest, bound to what is there."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.acceptance.bill_desk import BillDesk, bill_desk
from tests.acceptance.product import Product
from tests.acceptance.releasing import facts, released, serving, tell_only
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider, status, text


@pytest.fixture(scope="module")
def stages(own_product: Callable[..., Product]) -> Product:
    """dev, staging and production; the gate only tells."""
    made = own_product().start()
    made.post("environments", {"slug": "dev", "name": "Dev"})
    tell_only(made)
    return made


@pytest.fixture(scope="module")
def desks() -> Generator[dict[str, BillDesk]]:
    """Another system for each environment."""
    with ExitStack() as stack:
        yield {place: stack.enter_context(bill_desk(f"token-{place}")) for place in ("staging", "production")}


def connect_desk(product: Product, desk: BillDesk, place: str) -> None:
    name = f"DESK_{place}".upper()
    headers = {"Authorization": f"Bearer {{{{secret.{name}}}}}"}
    config = {"url": f"{desk.url}/openapi.json", "base_url": desk.url, "headers": headers}
    wanted = {"environment": place, "slug": "desk", "name": "desk", "kind": "openapi", "config": config}
    made = product.post("connections", wanted)["id"]
    product.post("secrets", {"connection_id": made, "name": name, "value": desk.token})
    assert product.post(f"connections/{made}:discover")["ok"]


def promote(product: Product, slug: str, to: str, **more: Any) -> Any:
    wanted = {"to": to, "reason": "a week in staging", "strategy": {}, **more}
    return product.call("POST", f"agents/{slug}:promote", json=wanted)


def promoted(product: Product, slug: str, to: str, **more: Any) -> dict[str, Any]:
    made = promote(product, slug, to, **more)
    assert made.status_code == 201, made.text
    return facts(product, made.json()["id"])


def digest(product: Product, slug: str, number: int) -> str:
    return product.get(f"agents/{slug}/revisions/{number}")["facts"]["hash"]


def test_d129_the_promoted_revision_works_with_what_is_bound_there(
    stages: Product, provider: FakeProvider, desks: dict[str, BillDesk]
):
    for place, desk in desks.items():
        connect_desk(stages, desk, place)
    slug = stages.agent("d129")
    number = stages.revise(slug, sop="Look it up.", tools=("get_bill",), slot="desk")
    provider.will(slug, acts("get_bill", slot="desk"))
    released(stages, slug, number, environment="staging")
    assert stages.run(slug, "d129-tried", environment="staging")["run"]["state"] == "completed"
    made = promoted(stages, slug, "production", source="staging")
    # Old and new of what serves there are told.
    assert (made["previous_number"], made["revision_number"]) == (1, number)
    changed = stages.get(f"agents/{slug}/diff", old="1", new=str(number))["diff"]
    assert "tools.desk" in {field["path"] for field in changed["fields"]}
    assert stages.run(slug, "d129-real")["run"]["state"] == "completed"
    asked = {place: [path for path, _ in desk.requests if "d129" in path] for place, desk in desks.items()}
    assert asked == {"staging": ["/bills/d129-tried"], "production": ["/bills/d129-real"]}


def test_f78_what_the_next_environment_lacks_is_named(stages: Product):
    stages.connect("f78", environment="staging")
    slug = stages.agent("f78")
    number = stages.revise(slug, sop="Look.", tools=("look",), slot="f78")
    released(stages, slug, number, environment="staging")
    refused = promote(stages, slug, "production", source="staging")
    assert (refused.status_code, refused.json()["code"]) == (409, "bindings_missing")
    assert [(one["kind"], one["name"]) for one in refused.json()["missing"]] == [("connection", "f78")]
    assert serving(stages, slug) == 1
    assert stages.get(f"agents/{slug}/releases", environment="production")["items"] == []


def test_a3_f105_one_digest_goes_through_three_environments_and_no_other(stages: Product, provider: FakeProvider):
    slug = stages.agent("a3")
    provider.will(slug, text("fine"))
    number = stages.revise(slug, sop="Two.")
    released(stages, slug, number, environment="dev")
    promoted(stages, slug, "staging", source="dev")
    stages.run(slug, "a3", environment="staging")
    other = stages.revise(slug, sop="Three.")
    refused = promote(stages, slug, "production", source="staging", revision=str(other))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_served_there")
    assert (refused.json()["wanted"], refused.json()["serving"]) == (digest(stages, slug, 3), digest(stages, slug, 2))
    assert serving(stages, slug) == 1
    made = promoted(stages, slug, "production", source="staging")
    places = ("dev", "staging", "production")
    assert {digest(stages, slug, serving(stages, slug, place) or 0) for place in places} == {digest(stages, slug, 2)}
    assert made["revision_number"] == number


def test_a5_a_failed_run_in_staging_makes_the_step_to_production_impossible(stages: Product, provider: FakeProvider):
    slug = stages.agent("a5")
    number = stages.revise(slug, sop="Two.")
    released(stages, slug, number, environment="staging")
    provider.will(slug, status(400, "no"))
    for is_tried in (False, True):
        run = stages.run(slug, "a5", environment="staging")["run"]["id"] if is_tried else None
        refused = promote(stages, slug, "production", source="staging")
        assert (refused.status_code, refused.json()["code"], refused.json()["run"]) == (409, "smoke_missing", run)
    assert serving(stages, slug) == 1
    provider.will(slug, text("fine"))
    stages.run(slug, "a5 again", environment="staging")
    assert promoted(stages, slug, "production", source="staging")["revision_number"] == number
    assert serving(stages, slug) == number


def test_f104_a_bundle_brings_the_same_body_elsewhere_without_a_secret(
    stages: Product, own_product: Callable[..., Product]
):
    value = "sec-planted-f104-Qq7Ww8"
    connection = stages.connect("f104")
    stages.post("secrets", {"connection_id": connection, "name": "F104_KEY", "value": value})
    slug = stages.agent("f104")
    number = stages.revise(
        slug, sop="Sign with {{secret.F104_KEY}}.", tools=("sign",), slot="f104", secrets=["F104_KEY"]
    )
    file = stages.folder / "f104.bundle.json"
    stages.cli("bundle", "export", f"{slug}@{number}", "-o", str(file), *stages.here)
    assert value not in file.read_text()
    elsewhere = own_product().start()
    own = stages.get("bundle-keys")["items"][0]
    body = {"bundle": file.read_text(), "environment": "production"}

    def brought_in(**more: Any) -> Any:
        return elsewhere.call("POST", "bundles:import", json={**body, **more})

    assert list(brought_in().json()["errors"]) == ["signer"]
    elsewhere.post("bundle-keys", {"public_key": own["public_key"], "name": "stages"})
    one_bit = bytearray(file.read_bytes())
    one_bit[len(one_bit) // 2] ^= 1
    assert brought_in(bundle=one_bit.decode("utf-8", "replace")).json()["code"] == "bundle_refused"
    lacking = brought_in()
    assert (lacking.status_code, lacking.json()["code"]) == (409, "bindings_missing")
    assert [one["name"] for one in lacking.json()["missing"]] == ["f104", "F104_KEY"]
    assert elsewhere.get("agents")["items"] == []
    assert brought_in(allow_missing=True).status_code in (200, 201)
    assert digest(elsewhere, slug, 1) == digest(stages, slug, number)
    bodies = [one.get(f"agents/{slug}/revisions/{n}")["body"] for one, n in ((stages, number), (elsewhere, 1))]
    assert bodies[0] == bodies[1]
    # It serves nowhere by that, and goes live only where nothing is missing.
    assert elsewhere.make_live(slug, 1).json()["code"] == "bindings_missing"
    assert serving(elsewhere, slug) is None
