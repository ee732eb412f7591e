"""The models of one process: built on first use, kept, closed at the end."""

from __future__ import annotations

import asyncio
import importlib
from typing import Protocol, cast

import httpx2
from pydantic_ai.models import Model

from signoff.gateways.model.providers.http import provider_client
from signoff.gateways.model.providers.naming import ModelName, parse, problem_with
from signoff.gateways.model.providers.scripted import find_script, scripted_model
from signoff.kit.errors import ProviderError
from signoff.settings import ProviderKind, Settings

# The clients of all providers together take some 60 MB; a process pays for those it uses.
_BUILDERS: dict[ProviderKind, str] = {
    "openai": "openai_models",
    "openai-compatible": "openai_models",
    "anthropic": "anthropic_models",
    "google": "google_models",
}


class _Builder(Protocol):
    """A module that builds the models of one kind of provider."""

    def build(self, name: ModelName, base_url: str | None, client: httpx2.AsyncClient) -> Model:
        """Return the model."""
        ...


def _builder(kind: ProviderKind) -> _Builder:
    return cast("_Builder", importlib.import_module(f"signoff.gateways.model.providers.{_BUILDERS[kind]}"))


class Providers:
    """Models by name, on one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, Model] = {}
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loaded: set[ProviderKind] = set()
        # Providers that answered a request for a stream with a whole answer.
        self.without_streams: set[str] = set()

    def name(self, full: str) -> ModelName:
        """Return a model's name taken apart; a name that nobody here answers to, too, so that it can be told."""
        try:
            return parse(full, self._settings)
        except ProviderError:
            prefix, _, model = full.partition(":")
            return ModelName(full, prefix[:60], model, f"“{prefix[:60]}”", "", None)

    def is_known(self, full: str) -> bool | None:
        """Return whether a model of this name exists: no for an unknown provider or script, None when only the
        provider could say."""
        try:
            name = parse(full, self._settings)
        except ProviderError:
            return False
        return find_script(name.model) is not None if name.is_scripted else None

    def model(self, full: str) -> Model:
        """Return the model called `provider:model`.

        Raises:
            ProviderError: no provider is called that here, its key is missing, or scripted models are not allowed.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # Connections belong to a loop; those of another one are of no use here.
            self._models, self._clients, self._loop = {}, {}, loop
        found = self._models.get(full)
        if found is None:
            problem = problem_with(full, self._settings)
            if problem is not None:
                raise ProviderError(problem, code=_code_of(problem))
            found = self._models[full] = self._build(parse(full, self._settings))
        return found

    def _build(self, name: ModelName) -> Model:
        if name.is_scripted:
            return scripted_model(name.model)
        client = self._clients.get(name.provider)
        if client is None:
            client = self._clients[name.provider] = provider_client(self._settings.model_response_bytes_max)
        base_url = name.configured.base_url if name.configured else None
        return _builder(name.kind or "openai-compatible").build(name, base_url, client)

    async def load(self, full: str) -> None:
        """Import what a model of this name needs, beside the event loop: the first time takes a second."""
        kind = self.name(full).kind
        if kind is not None and kind not in self._loaded:
            await asyncio.to_thread(_builder, kind)
            self._loaded.add(kind)

    async def close(self) -> None:
        """Close every connection."""
        clients, self._clients, self._models = list(self._clients.values()), {}, {}
        await asyncio.gather(*(client.aclose() for client in clients), return_exceptions=True)


def _code_of(problem: str) -> str:
    return "provider_key_missing" if "needs a key" in problem else "model_not_found"


def model_for(full: str, settings: Settings) -> Model:
    """Return a model that is not kept, for a one-off question outside a run. The same errors as `Providers.model`."""
    return Providers(settings).model(full)
