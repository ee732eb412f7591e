"""A long conversation completes, and what is stored grows with its length and not with its square."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from sqlalchemy import create_engine, func, inspect, select, text

from signoff.connectors.protocol import ToolAnswer
from signoff.settings import Settings
from signoff.tables.runs import RunMessage
from signoff.tables.session import Store
from tests.engine.conftest import Bench

# 100 turns of about 2,000 tokens each: half said by the model, half by the tool.
TURNS = 100
CHARS = 4_000


def bytes_of(url: str, schema: str | None) -> int:
    """How many characters all columns of all tables hold."""
    engine = create_engine(url)
    total = 0
    with engine.connect() as connection:
        if schema:
            # Behind the wall between workspaces a table without a name for one is empty.
            connection.execute(text("select set_config('signoff.workspace', '*', true)"))
        for table in inspect(engine).get_table_names(schema=schema):
            name = f'"{schema}"."{table}"' if schema else f'"{table}"'
            columns = [column["name"] for column in inspect(engine).get_columns(table, schema=schema)]
            sizes = " + ".join(f'coalesce(length(cast("{column}" as text)), 0)' for column in columns)
            total += connection.execute(text(f"select coalesce(sum({sizes}), 0) from {name}")).scalar() or 0
    engine.dispose()
    return int(total)


def stored(store: Store, settings: Settings) -> int:
    if store.is_sqlite:
        return bytes_of(settings.store_url, None) + bytes_of(settings.durable_url, None)
    return bytes_of(settings.store_url, "public") + bytes_of(settings.store_url, "dbos")


@pytest.mark.slow
async def test_storage_grows_linearly(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        number = sum(isinstance(message, ModelResponse) for message in messages)
        last = int(messages[0].parts[0].content)
        if number >= last:
            return ModelResponse(parts=[TextPart("Done.")])
        return ModelResponse(parts=[TextPart(f"{number} " * (CHARS // 4)), ToolCallPart("erp_look", {"n": number})])

    bench.behave["look"] = lambda tool, args: ToolAnswer("word " * (CHARS // 5))
    at = bench.house(script, limits={"turns": TURNS + 10, "tool_calls": TURNS + 10, "tokens": 50_000_000})
    sizes = [stored(bench.store, bench.settings)]
    for turns in (TURNS // 4, TURNS // 2, TURNS):
        run = await bench.over(bench.request(at, str(turns)))
        assert (run.state, run.model_calls) == ("completed", turns + 1)
        sizes.append(stored(bench.store, bench.settings))
    quarter, half, whole = (after - before for before, after in pairwise(sizes))
    conversation = TURNS * CHARS * 2
    assert whole / half == pytest.approx(2.0, abs=0.25)
    assert half / quarter == pytest.approx(2.0, abs=0.25)
    # Said once in the conversation and once in the trace.
    assert whole < conversation * 3
    with bench.store.read() as session:
        assert session.scalar(select(func.count()).select_from(RunMessage).where(RunMessage.run_id == run.id)) == (
            TURNS * 2 + 2
        )
