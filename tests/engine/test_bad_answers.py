"""Whatever a model says, a run ends, and says why in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, ModelResponsePart, TextPart, ThinkingPart, ToolCallPart

from tests.engine.conftest import Bench

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

DEEP: Any = 1
for _ in range(400):
    DEEP = [DEEP]

BAD: dict[str, list[ModelResponsePart]] = {
    "nothing": [],
    "empty text": [TextPart("")],
    "only thoughts": [ThinkingPart("hm")],
    "an unknown tool": [ToolCallPart("rm_rf", {})],
    "broken arguments": [ToolCallPart("erp_post", '{"n": ')],
    "arguments that are no object": [ToolCallPart("erp_post", "[1, 2]")],
    "arguments of the wrong type": [ToolCallPart("erp_post", {"n": "one"})],
    "arguments too many": [ToolCallPart("erp_post", {"n": 1, "m": 2})],
    "no name": [ToolCallPart("", {})],
    "a name of a mile": [ToolCallPart("x" * 100_000, {})],
    "odd characters": [ToolCallPart("erp_post", {"n": "\x00"})],
    "odd characters, escaped": [ToolCallPart("erp_post", '{"n": "\\u0000"}')],
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_model_that_never_gets_it_right(bench: Bench, kind: str):
    run = await bench.over(bench.request(bench.house(lambda messages, info: ModelResponse(parts=BAD[kind]))))
    assert (run.state, run.code) == ("failed", "malformed_output")
    assert run.reason
    assert "2 requests to correct it" in run.reason
    assert '"type"' not in run.reason
    # The first answer and two repairs.
    assert run.model_calls == 3
    assert bench.ledger.calls() == []
    assert run.failed_step == "m:1:3"


@pytest.mark.parametrize("kind", BAD)
async def test_a_model_that_corrects_itself(bench: Bench, kind: str):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        return ModelResponse(parts=BAD[kind] if len(messages) < 4 else [TextPart("Sorry. Done.")])

    run = await bench.over(bench.request(bench.house(script)))
    assert (run.state, run.output, run.model_calls) == ("completed", "Sorry. Done.", 3)


@pytest.mark.parametrize("value", [DEEP, "\ud800"], ids=["nested deep", "half a character"])
async def test_what_nobody_can_read(bench: Bench, value: Any):
    parts: list[ModelResponsePart] = [ToolCallPart("erp_post", {"n": value})]
    run = await bench.over(bench.request(bench.house(lambda messages, info: ModelResponse(parts=parts))))
    assert run.state == "failed"
    assert run.reason
    assert bench.ledger.calls() == []


async def test_a_thousand_calls_at_once(bench: Bench):
    parts: list[ModelResponsePart] = [ToolCallPart("erp_post", {"n": n}) for n in range(1_000)]
    run = await bench.over(bench.request(bench.house(lambda messages, info: ModelResponse(parts=parts))))
    assert (run.state, run.code) == ("failed", "too_many_tool_calls")
    assert bench.ledger.calls() == []


async def test_the_same_id_for_every_call(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        if len(messages) > 3:
            return ModelResponse(parts=[TextPart("Done.")])
        return ModelResponse(parts=[ToolCallPart("erp_post", {"n": n}, tool_call_id="same") for n in (1, 2)])

    run = await bench.over(bench.request(bench.house(script)))
    assert run.state == "completed"
    assert len(bench.ledger.calls("post")) == 4


async def test_a_model_that_raises(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        raise ZeroDivisionError("the script broke")

    run = await bench.over(bench.request(bench.house(script)))
    assert run.state == "failed"
    assert run.reason


async def test_a_model_that_never_ends(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        return ModelResponse(parts=[ToolCallPart("erp_look", {"n": len(messages)})])

    run = await bench.over(bench.request(bench.house(script, limits={"turns": 7})))
    assert (run.state, run.code, run.model_calls) == ("failed", "turn_limit", 7)


async def test_the_limit_of_tool_calls(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        return ModelResponse(parts=[ToolCallPart("erp_look", {"n": len(messages) * 10 + n}) for n in range(3)])

    run = await bench.over(bench.request(bench.house(script, limits={"tool_calls": 7})))
    assert (run.state, run.code, run.tool_calls) == ("failed", "tool_call_limit", 6)


async def test_the_limit_of_tokens(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        return ModelResponse(parts=[TextPart("word " * 4_000), ToolCallPart("erp_look", {"n": len(messages)})])

    run = await bench.over(bench.request(bench.house(script, limits={"tokens": 10_000})))
    assert (run.state, run.code) == ("failed", "token_limit")


async def test_a_tool_that_is_not_set_up(bench: Bench):
    tools = [{"slot": "crm", "allow": [{"tool": "find"}]}, {"slot": "erp", "allow": [{"tool": "nothing"}]}]
    run = await bench.over(bench.request(bench.house(lambda messages, info: ModelResponse(parts=[]), tools=tools)))
    assert (run.state, run.code) == ("failed", "tool_missing")
    assert run.reason
    assert "crm" in run.reason
    assert "nothing" in run.reason


async def test_a_text_that_was_cut_off_says_so(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        return ModelResponse(parts=[TextPart("The supplier wri")], finish_reason="length")

    run = await bench.over(bench.request(bench.house(script, model={"settings": {"max_tokens": 1_234}})))
    assert (run.state, run.output, run.code) == ("completed", "The supplier wri", "answer_cut_off")
    assert run.reason
    assert "1,234 tokens" in run.reason


RESULT = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}


@pytest.mark.parametrize(
    "parts",
    [
        [TextPart("The supplier wri")],
        [TextPart("")],
        [],
        [ThinkingPart("Let me think about")],
        [ToolCallPart("final_result", '{"note": "the sup')],
    ],
    ids=["prose", "empty", "nothing", "thoughts", "half a result"],
)
async def test_a_result_that_was_cut_off_names_the_limit_and_not_the_sop(bench: Bench, parts: list[ModelResponsePart]):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        return ModelResponse(parts=parts, finish_reason="length")

    at = bench.house(script, model={"settings": {"max_tokens": 4_000}}, output_schema=RESULT)
    run = await bench.over(bench.request(at))
    assert (run.state, run.code) == ("failed", "answer_cut_off")
    assert run.reason == "The answer was cut off at max_tokens (4,000); raise model.settings.max_tokens."


@pytest.mark.parametrize(
    ("parts", "words"),
    [([TextPart("All is well.")], "it answered in prose instead of a result"), ([TextPart("")], "it was empty")],
    ids=["prose", "empty"],
)
async def test_an_answer_without_a_result_is_told_in_our_words(
    bench: Bench, parts: list[ModelResponsePart], words: str
):
    run = await bench.over(
        bench.request(bench.house(lambda messages, info: ModelResponse(parts=parts), output_schema=RESULT))
    )
    assert (run.state, run.code) == ("failed", "malformed_output")
    assert run.reason
    assert words in run.reason
    assert "Please" not in run.reason


async def test_a_whole_answer_carries_no_remark(bench: Bench):
    def script(messages: list[Any], info: Any) -> ModelResponse:
        return ModelResponse(parts=[TextPart("All of it.")], finish_reason="stop")

    run = await bench.over(bench.request(bench.house(script)))
    assert (run.state, run.code, run.reason) == ("completed", None, None)


async def test_half_a_character_in_an_answer_that_came_as_text_is_kept_as_a_missing_one(bench: Bench):
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    odd = '{"word": "a\\u0000b\\ud800c"}'
    house = bench.house(lambda messages, info: ModelResponse(parts=[TextPart(odd)]), output_schema=schema)
    run = await bench.over(bench.request(house))
    assert (run.state, run.output) == ("completed", {"word": "a\ufffdb?c"})
