"""A run from its request to its end, in one process."""

from __future__ import annotations

from typing import Any

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart

from tests.engine.conftest import Bench
from tests.engine.kit_engine import turns


async def test_a_run_thinks_acts_and_answers(bench: Bench):
    at = bench.house(turns([("look", {"n": 1})], [("post", {"n": 2})], "All done."))
    run = await bench.over(bench.request(at, {"subject": "An invoice"}))
    assert (run.state, run.reason, run.output, run.title) == ("completed", None, "All done.", "An invoice")
    assert bench.ledger.calls() == [("look", {"n": 1}), ("post", {"n": 2})]
    assert [(step.kind, step.name, step.state) for step in bench.steps(run.id)] == [
        ("model", "scripted:test", "completed"),
        ("tool", "erp.look", "completed"),
        ("model", "scripted:test", "completed"),
        ("tool", "erp.post", "completed"),
        ("model", "scripted:test", "completed"),
    ]
    assert (run.model_calls, run.tool_calls, run.is_scripted) == (3, 2, True)
    assert run.started_at is not None
    assert run.ended_at is not None


async def test_calls_beside_each_other_keep_their_answers(bench: Bench):
    said: list[dict[str, object]] = []

    def script(messages: list[Any], info: Any) -> ModelResponse:
        for message in messages:
            returned = [part for part in getattr(message, "parts", ()) if isinstance(part, ToolReturnPart)]
            said.extend({part.tool_call_id: part.content} for part in returned)
        if len(messages) > 1:
            return ModelResponse(parts=[TextPart("ok")])
        return ModelResponse(parts=[ToolCallPart("erp_look", {"n": n}) for n in range(8)])

    run = await bench.over(bench.request(bench.house(script)))
    assert run.state == "completed"
    calls = [part for part in bench.steps(run.id)[0].response["parts"] if part["part_kind"] == "tool-call"]
    assert said == [{call["tool_call_id"]: {"ok": {"n": n}}} for n, call in enumerate(calls)]


async def test_many_runs_at_once_all_end(bench: Bench):
    at = bench.house(turns([("look", {"n": 1}), ("post", {"n": 2})], "Done."))
    ids = [bench.request(at, {"subject": f"Number {number}"}) for number in range(40)]
    ended = [await bench.over(run_id) for run_id in ids]
    assert {(run.state, run.reason) for run in ended} == {("completed", None)}
    assert len(bench.ledger.calls("post")) == 40


async def test_structured_answers_are_checked_and_repaired(bench: Bench):
    schema = {"type": "object", "properties": {"total": {"type": "number", "minimum": 0}}, "required": ["total"]}
    answers = [{"total": "much"}, {}, {"total": 12.5}]

    def script(messages: list[Any], info: Any) -> ModelResponse:
        number = sum(isinstance(message, ModelResponse) for message in messages)
        return ModelResponse(parts=[ToolCallPart("final_result", answers[number])])

    run = await bench.over(bench.request(bench.house(script, output_schema=schema)))
    assert (run.state, run.output, run.model_calls) == ("completed", {"total": 12.5}, 3)


async def test_a_structured_answer_may_come_as_text(bench: Bench):
    schema = {"type": "array", "items": {"type": "string"}}
    script = turns('```json\n{"result": ["a", "b"]}\n```')
    run = await bench.over(bench.request(bench.house(script, output_schema=schema)))
    assert (run.state, run.output) == ("completed", ["a", "b"])
