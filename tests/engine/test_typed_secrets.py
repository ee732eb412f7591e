"""The value of a secret that somebody typed into an input is masked in it, and in all that comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, TextPart
from sqlalchemy import select

from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault, create_secret
from signoff.tables.connections import Connection
from signoff.tables.runs import RunMessage
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House

VALUE = 'Pl4nted/Secret+Value=="q\\uote%7&+9zz'
MARK = "{{secret.ERP_TOKEN}}"


@pytest.fixture
def at(bench: Bench) -> House:
    found = bench.house(lambda messages, info: ModelResponse(parts=[TextPart("Done.")]))
    with bench.store.write() as session:
        session.get_one(Connection, found.connection_id).config = {"url": "https://erp.example.com/mcp"}
        vault = Vault(load_keys(bench.settings))
        create_secret(
            session, found.who, vault, connection_id=found.connection_id, name="ERP_TOKEN", value=VALUE, agents=[]
        )
    return found


def messages_of(bench: Bench, run_id: str) -> list[Any]:
    with bench.store.read() as session:
        return list(
            session.scalars(select(RunMessage.body).where(RunMessage.run_id == run_id).order_by(RunMessage.seq))
        )


async def test_messages_title_and_search_words_carry_the_mask(bench: Bench, at: House):
    run = await bench.over(bench.request(at, {"q": f"please use {VALUE} for it"}))
    said = messages_of(bench, run.id)
    assert run.state == "completed"
    assert run.title == f"please use {MARK} for it"
    assert VALUE.lower() not in run.search_text
    assert "please use" in run.search_text
    assert "for it" in run.search_text
    assert run.id in run.search_text
    assert "clerk" in run.search_text
    assert MARK in said[0]["parts"][0]["content"]
    assert "Pl4nted" not in str(said)
    # Nor is it kept in the input: the model was given the mask as well.
    assert run.input == {"q": f"please use {MARK} for it"}


async def test_a_title_that_holds_half_of_a_secret_is_made_anew(bench: Bench, at: House):
    run = await bench.over(bench.request(at, "x" * 100 + " " + VALUE))
    assert "Pl4nted" not in run.title
    assert run.title.startswith("x" * 100)
    assert "pl4nted" not in run.search_text


async def test_a_title_somebody_chose_is_masked_and_else_stays(bench: Bench, at: House):
    masked = await bench.over(bench.request(at, {"q": "nothing"}, title=f"About {VALUE}"))
    plain = await bench.over(bench.request(at, {"q": VALUE}, title="A fine title"))
    assert masked.title == f"About {MARK}"
    assert plain.title == "A fine title"
    assert "a fine title" in plain.search_text
