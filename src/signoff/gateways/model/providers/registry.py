"""The models of one process: built on first use, kept, closed at the end."""

from __future__ import annotations

import asyncio
import os

import httpx2
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from signoff.gateways.model.providers.http import provider_client
from signoff.gateways.model.providers.naming import ModelName, parse, problem_with
from signoff.gateways.model.providers.scripted import find_script, scripted_model
from signoff.kit.errors import ProviderError
from signoff.settings import Settings

# A stream that ends without saying that it is finished was cut off: what it holds so far is not an answer.
_WHOLE_STREAMS = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)


class Providers:
    """Models by name, on one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, Model] = {}
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
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
        key = name.api_key()
        if name.kind == "anthropic":
            anthropic = AsyncAnthropic(api_key=key, base_url=base_url, http_client=client, max_retries=0)
            return AnthropicModel(name.model, provider=AnthropicProvider(anthropic_client=anthropic))
        if name.kind == "google":
            google = GoogleProvider(api_key=key, base_url=base_url, http_client=client)
            return GoogleModel(name.model, provider=google)
        if name.kind == "openai":
            base_url = base_url or os.environ.get("OPENAI_BASE_URL")
            openai = AsyncOpenAI(api_key=key or "not-set", base_url=base_url, http_client=client, max_retries=0)
            return OpenAIChatModel(name.model, provider=OpenAIProvider(openai_client=openai), profile=_WHOLE_STREAMS)
        if not base_url:
            raise ProviderError(
                f"The provider {name.label} has no address. Set providers.{name.provider}.base_url in the settings.",
                code="provider_not_configured",
            )
        compatible = AsyncOpenAI(api_key=key or "not-set", base_url=base_url, http_client=client, max_retries=0)
        return OpenAIChatModel(
            name.model,
            provider=OpenAICompatibleProvider(name.provider, openai_client=compatible),
            profile=_WHOLE_STREAMS,
        )

    async def close(self) -> None:
        """Close every connection."""
        clients, self._clients, self._models = list(self._clients.values()), {}, {}
        await asyncio.gather(*(client.aclose() for client in clients), return_exceptions=True)


def _code_of(problem: str) -> str:
    return "provider_key_missing" if "needs a key" in problem else "model_not_found"


def model_for(full: str, settings: Settings) -> Model:
    """Return a model that is not kept, for a one-off question outside a run. The same errors as `Providers.model`."""
    return Providers(settings).model(full)
