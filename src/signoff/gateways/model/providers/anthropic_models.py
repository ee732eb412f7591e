"""Models of Anthropic. Imported with the first one that is asked: the client alone takes some 40 MB."""

from __future__ import annotations

import httpx2
from anthropic import AsyncAnthropic
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from signoff.gateways.model.providers.naming import ModelName


def build(name: ModelName, base_url: str | None, client: httpx2.AsyncClient) -> Model:
    """Return the model."""
    anthropic = AsyncAnthropic(api_key=name.api_key(), base_url=base_url, http_client=client, max_retries=0)
    return AnthropicModel(name.model, provider=AnthropicProvider(anthropic_client=anthropic))
