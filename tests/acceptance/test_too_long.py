"""A run that takes ten times as long as its agent's runs usually take. The shortest such time is a minute."""

from __future__ import annotations

import pytest

from tests.acceptance.product import Product
from tests.acceptance.scripts import turns
from tests.fake_provider import FakeProvider, hang, text, tool_calls


@pytest.mark.slow
def test_d61_a_run_of_ten_times_the_usual_length_is_ended(product: Product, provider: FakeProvider):
    slug = product.agent("d61-long", tools=("look", "post"))
    provider.will(slug, text("quick"))
    usual = [product.run(slug)["run"]["state"] for _ in range(5)]
    assert usual == ["completed"] * 5
    provider.will(slug, turns(tool_calls(("erp_look", {"n": "d61-long"})), hang(150)))
    stuck = product.execute(slug)["id"]
    found = product.ended(stuck)["run"]
    assert (found["state"] in ("failed", "cancelled"), found["code"]) == (True, "ran_too_long")
    assert "ten times" in found["reason"]
    assert product.run(product.agent("d61-other"))["run"]["state"] == "completed"
