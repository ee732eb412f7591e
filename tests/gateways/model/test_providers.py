"""Names, keys and prices of models."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import SecretStr
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from signoff.budgets.caps import remove_price, set_price
from signoff.gateways.model.gateway import think
from signoff.gateways.model.prices import Prices, entered_prices
from signoff.gateways.model.providers import (
    Providers,
    forget_script,
    model_for,
    parse,
    problem_with,
    register_script,
)
from signoff.kit.errors import Malformed, NotAllowed, NotFound, ProviderError
from signoff.people.access import Principal
from signoff.settings import ModelProvider, Settings
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

SETTINGS = Settings(
    allow_scripted_models=True,
    providers={
        "local": ModelProvider(base_url="http://127.0.0.1:11434/v1"),
        "house": ModelProvider(base_url="https://llm.example.com/v1", api_key=SecretStr("k")),
        "dear": ModelProvider(base_url="https://x.example.com/v1", input_usd_per_million=1, output_usd_per_million=2),
        "nowhere": ModelProvider(),
    },
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("openai:gpt-4o", "OPENAI_API_KEY"),
        ("gemini:gemini-2.5-flash", "GEMINI_API_KEY"),
        ("anthropic:claude", "ANTHROPIC_API_KEY"),
        ("nobody:x", "No model provider is called “nobody”"),
        ("openai:", "does not name a model"),
        ("scripted:none", "no scripted model"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(name: str, words: str) -> None:
    assert words in (problem_with(name, SETTINGS) or "")


def test_a_name_with_a_key_or_without_need_of_one_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    assert problem_with("gemini:gemini-2.5-flash", SETTINGS) is None
    assert parse("gemini:gemini-2.5-flash", SETTINGS).provider == "google"
    assert problem_with("local:llama3:8b", SETTINGS) is None
    assert parse("local:llama3:8b", SETTINGS).model == "llama3:8b"


async def test_models_of_every_kind_are_built_with_one_client_per_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "k")
    providers = Providers(SETTINGS)
    for full in ("openai:gpt-4o", "anthropic:claude-sonnet-4-5", "google:gemini-2.5-flash", "local:llama3"):
        model = providers.model(full)
        assert model.model_name == full.partition(":")[2]
        assert providers.model(full) is model
    with pytest.raises(ProviderError, match="no address"):
        providers.model("nowhere:x")
    await providers.close()


async def test_scripts_play_where_they_are_allowed(world: World) -> None:
    register_script(
        "echo", lambda messages, info: ModelResponse([TextPart("played")]), input_usd_per_million=Decimal(1)
    )
    try:
        scripted = world.with_body(model={"name": "scripted:echo"})
        outcome = await think(scripted.services, scripted.run, ask())
        assert outcome.kind == "answered"
        step = world.step("m:1:1")
        assert step.detail["is_scripted"] is True
        assert step.detail["price_source"] == "script"
        assert (step.cost_usd or 0) > 0
    finally:
        forget_script("echo")
    assert problem_with("scripted:echo", world.settings) is not None
    with pytest.raises(ProviderError):
        model_for("scripted:echo", world.settings)


def test_scripts_are_off_unless_the_operator_allows_them() -> None:
    register_script("echo", lambda messages, info: ModelResponse([TextPart("played")]))
    try:
        assert "switched off" in (problem_with("scripted:echo", Settings()) or "")
    finally:
        forget_script("echo")


async def test_a_script_that_breaks_is_an_outcome(world: World) -> None:
    def breaks(messages: object, info: object) -> ModelResponse:
        raise RuntimeError("bug in the script")

    register_script("breaks", breaks)
    try:
        scripted = world.with_body(model={"name": "scripted:breaks"})
        outcome = await think(scripted.services, scripted.run, ask())
        assert (outcome.kind, outcome.code) == ("stopped", "model_answer_unreadable")
    finally:
        forget_script("breaks")


def test_where_a_price_comes_from() -> None:
    prices = Prices(SETTINGS)
    usage = RequestUsage(input_tokens=1_000_000, output_tokens=1_000_000)
    assert prices.price("dear:x").of(usage) == Decimal(3)
    assert prices.price("local:llama3").of(usage) == 0
    assert prices.price("openai:gpt-4o-mini").of(usage) == Decimal("0.75")
    assert prices.price("gemini:gemini-2.5-flash").source == "listed"
    for unknown in ("house:secret-model", "openai:never-heard-of", "nobody:x"):
        assert prices.price(unknown).of(usage) is None
        assert prices.price(unknown).is_known is False


async def test_an_entered_price_wins(world: World) -> None:
    world.change(
        lambda session: set_price(
            session, world.principal, model="fake:gpt", input_usd=Decimal(100), output_usd=Decimal(200)
        )
    )
    await think(world.services, world.run, ask())
    step = world.step("m:1:1")
    assert step.cost_usd == Decimal("0.13")
    assert step.detail["price_source"] == "entered"
    world.change(lambda session: remove_price(session, world.principal, model="fake:gpt"))
    with world.store.read() as session:
        assert entered_prices(session, world.run.workspace_id, ["fake:gpt"]) == {}


async def test_who_may_enter_a_price_and_which(world: World) -> None:
    viewer = Principal("member", "mem_v", "Vera", world.run.workspace_id, "viewer")
    good = {"model": "fake:gpt", "input_usd": Decimal(1), "output_usd": Decimal(1)}
    with world.store.write() as session:
        with pytest.raises(NotAllowed):
            set_price(session, viewer, **good)
        for bad in ({"model": "gpt"}, {"input_usd": Decimal(-1)}, {"output_usd": Decimal("NaN")}):
            with pytest.raises(Malformed):
                set_price(session, world.principal, **{**good, **bad})
        with pytest.raises(NotFound):
            remove_price(session, world.principal, model="fake:gpt")


@pytest.mark.parametrize("name", ["nobody:x", "scripted:none", "openai:gpt-4o"])
async def test_a_model_nobody_can_ask_from_here_is_an_outcome(world: World, name: str) -> None:
    wrong = world.with_body(model={"name": name, "fallbacks": ["nobody:y"]})
    outcome = await think(wrong.services, wrong.run, ask())
    assert outcome.kind == "stopped"
    assert outcome.code in ("model_not_found", "provider_key_missing")
    assert outcome.reason
    assert world.step("m:1:1").state == "failed"


async def limits_sent(settings: Settings, full: str, provider: FakeProvider) -> dict[str, int]:
    """The limits in the request that a model of this name makes."""
    providers = Providers(settings)
    await providers.model(full).request(
        [ModelRequest(parts=[UserPromptPart("ping")])], ModelSettings(max_tokens=77), ModelRequestParameters()
    )
    await providers.close()
    body = provider.requests[-1].body
    return {name: body[name] for name in ("max_tokens", "max_completion_tokens") if name in body}


async def test_servers_that_are_not_openai_get_the_limit_under_the_name_they_know(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Settings(providers={"local": ModelProvider(base_url=provider.base_url)})
    assert await limits_sent(local, "local:llama3", provider) == {"max_tokens": 77}

    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
    assert await limits_sent(local, "openai:llama3", provider) == {"max_tokens": 77}
    # A proxy before OpenAI: its reasoning models refuse the old name.
    assert await limits_sent(local, "openai:gpt-5-mini", provider) == {"max_completion_tokens": 77}


async def test_openai_itself_gets_the_limit_under_its_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    providers = Providers(Settings())
    assert "openai_chat_supports_max_completion_tokens" not in providers.model("openai:gpt-4o").profile
    await providers.close()
