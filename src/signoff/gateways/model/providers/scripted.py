"""Scripted models: Python functions in place of a provider, for the offline demo and for tests. Labelled as such."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel

from signoff.kit.errors import ProviderError

PROVIDER = "scripted"
Script = Callable[[list[ModelMessage], AgentInfo], ModelResponse | Awaitable[ModelResponse]]


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """A script and the price it pretends to have, in dollars per million tokens."""

    script: Script
    input_usd_per_million: Decimal
    output_usd_per_million: Decimal


_scripts: dict[str, ScriptedModel] = {}


def register_script(
    name: str,
    script: Script,
    *,
    input_usd_per_million: Decimal = Decimal(0),
    output_usd_per_million: Decimal = Decimal(0),
) -> None:
    """Make `scripted:<name>` answer with `script(messages, info)`. A second registration replaces the first."""
    _scripts[name] = ScriptedModel(script, input_usd_per_million, output_usd_per_million)


def forget_script(name: str) -> None:
    """Take a script away again."""
    _scripts.pop(name, None)


def find_script(name: str) -> ScriptedModel | None:
    """Return the script called `name`."""
    return _scripts.get(name)


def scripted_model(name: str) -> Model:
    """Return the model that plays script `name`. The script is looked up with every request.

    Raises:
        ProviderError: there is no such script in this process.
    """
    if name not in _scripts:
        raise ProviderError(
            f"There is no scripted model called {name} in this process. Scripts are for the demo and for tests.",
            code="model_not_found",
        )

    async def play(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        found = _scripts.get(name)
        if found is None:
            raise ProviderError(f"The scripted model {name} was taken away.", code="model_not_found")
        answer = found.script(messages, info)
        return await answer if inspect.isawaitable(answer) else answer

    return FunctionModel(play, model_name=f"{PROVIDER}:{name}")
