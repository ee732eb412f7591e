"""What every kind of connector must do. A new kind adds itself to `CASES` in test_conformance.py.

`Case` says how to open it, one call that works, and one tool with arguments that do not fit.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors.pool import Pool
from signoff.connectors.protocol import Link, ToolAnswer
from signoff.kit.errors import ConnectorError

CODES = {value for name, value in vars(faults).items() if name.isupper() and isinstance(value, str)}


@dataclass
class Case:
    kind: str
    config: dict[str, Any]
    tool: str
    args: dict[str, Any]
    expected: Any
    bad_config: dict[str, Any]
    # Arguments that do not fit, or None where only the system itself can tell.
    bad_args: dict[str, Any] | None
    # A call that takes longer than a tenth of a second, where there is one.
    slow: tuple[str, dict[str, Any]] | None = None


async def opened(pool: Pool, case: Case) -> Link:
    return await pool.link("con_1", 1, case.kind, case.config)


async def tools_are_whole_and_stable(pool: Pool, case: Case) -> None:
    link = await opened(pool, case)
    first, second = await link.list_tools(), await link.list_tools()
    assert [spec.hash for spec in first] == [spec.hash for spec in second]
    assert len({spec.name for spec in first}) == len(first) > 0
    assert case.tool in {spec.name for spec in first}
    for spec in first:
        assert json.loads(json.dumps(spec.definition)) == spec.definition
        assert spec.input_schema.get("type") == "object"
        assert spec.description


async def a_call_gives_plain_json(pool: Pool, case: Case) -> None:
    answer = await (await opened(pool, case)).call(case.tool, case.args, key="run_1:call_1", timeout_seconds=30)
    assert isinstance(answer, ToolAnswer)
    assert not answer.is_error
    assert json.loads(json.dumps(answer.value)) == answer.value
    assert case.expected in json.dumps(answer.value)


async def many_tasks_may_call_at_once(pool: Pool, case: Case) -> None:
    link = await opened(pool, case)
    calls = [link.call(case.tool, case.args, key=f"k{n}", timeout_seconds=30) for n in range(8)]
    assert all(not answer.is_error for answer in await asyncio.gather(*calls))
    assert link.open_calls == 0


async def a_tool_that_is_not_there_is_an_error(pool: Pool, case: Case) -> None:
    await _is_refused(await opened(pool, case), "no_such_tool", {})


async def arguments_that_do_not_fit_are_an_error(pool: Pool, case: Case) -> None:
    if case.bad_args is not None:
        await _is_refused(await opened(pool, case), case.tool, case.bad_args)


async def _is_refused(link: Link, tool: str, args: dict[str, Any]) -> None:
    """Told either by the system as an error of the tool, or by us before anything was sent."""
    outcome = (await asyncio.gather(link.call(tool, args, key=None, timeout_seconds=30), return_exceptions=True))[0]
    if isinstance(outcome, ToolAnswer):
        assert outcome.is_error
    else:
        assert isinstance(outcome, ConnectorError)
        assert outcome.code in {faults.UNKNOWN_TOOL, faults.BAD_ARGUMENTS, faults.REJECTED}
        assert not outcome.is_transient
    assert link.open_calls == 0


async def a_call_ends_in_its_time(pool: Pool, case: Case) -> None:
    if case.slow is None:
        return
    link = await opened(pool, case)
    with pytest.raises(ConnectorError) as caught:
        await asyncio.wait_for(link.call(*case.slow, key=None, timeout_seconds=0.1), 30)
    assert caught.value.code in {faults.OUTCOME_UNKNOWN, faults.TIMEOUT}
    assert caught.value.is_transient
    assert link.open_calls == 0


async def it_can_be_checked(pool: Pool, case: Case) -> None:
    await (await opened(pool, case)).check()


async def a_wrong_configuration_is_told(pool: Pool, case: Case) -> None:
    with pytest.raises(ConnectorError) as caught:
        await pool.link("con_1", 1, case.kind, case.bad_config)
    assert caught.value.code in CODES - {faults.OUTCOME_UNKNOWN}
    assert len(caught.value.detail) > 20


async def it_closes_twice_and_is_opened_again(pool: Pool, case: Case) -> None:
    link = await opened(pool, case)
    assert link.is_alive
    await asyncio.wait_for(link.close(), 30)
    await link.close()
    assert not link.is_alive
    again = await opened(pool, case)
    assert again is not link
    assert not (await again.call(case.tool, case.args, key=None, timeout_seconds=30)).is_error


DEMANDS = (
    tools_are_whole_and_stable,
    a_call_gives_plain_json,
    many_tasks_may_call_at_once,
    a_tool_that_is_not_there_is_an_error,
    arguments_that_do_not_fit_are_an_error,
    a_call_ends_in_its_time,
    it_can_be_checked,
    a_wrong_configuration_is_told,
    it_closes_twice_and_is_opened_again,
)
