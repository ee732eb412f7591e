"""Models of OpenAI, and of endpoints that speak its language. Imported with the first one that is asked."""

from __future__ import annotations

import os

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile, openai_model_profile
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from signoff.gateways.model.providers.naming import ModelName
from signoff.kit.errors import ProviderError

# A stream that ends without saying that it is finished was cut off: what it holds so far is not an answer.
_WHOLE_STREAMS = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
# `max_completion_tokens` is OpenAI's new name. Servers that do not know it answer without any limit, or refuse it; all
# know `max_tokens`.
_OLD_LIMIT = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)


def build(name: ModelName, base_url: str | None, client: httpx2.AsyncClient) -> Model:
    """Return the model.

    Raises:
        ProviderError: an endpoint of the operator's has no address.
    """
    key = name.api_key() or "not-set"
    if name.kind == "openai":
        base_url = base_url or os.environ.get("OPENAI_BASE_URL")
        openai = AsyncOpenAI(api_key=key, base_url=base_url, http_client=client, max_retries=0)
        profile: OpenAIModelProfile = {**_WHOLE_STREAMS, **_limited_by(openai, name.model)}
        return OpenAIChatModel(name.model, provider=OpenAIProvider(openai_client=openai), profile=profile)
    if not base_url:
        raise ProviderError(
            f"The provider {name.label} has no address. Set providers.{name.provider}.base_url in the settings.",
            code="provider_not_configured",
        )
    compatible = AsyncOpenAI(api_key=key, base_url=base_url, http_client=client, max_retries=0)
    return OpenAIChatModel(
        name.model,
        provider=OpenAICompatibleProvider(name.provider, openai_client=compatible),
        profile={**_WHOLE_STREAMS, **_OLD_LIMIT},
    )


def _limited_by(client: AsyncOpenAI, model: str) -> OpenAIModelProfile:
    """Return how the limit is sent to an address that is said to be OpenAI.

    One that is not OpenAI's own is somebody's server, or stands before OpenAI, whose reasoning models refuse the old
    name.
    """
    is_own = (client.base_url.host or "").endswith("openai.com")
    is_reasoning = openai_model_profile(model).get("openai_supports_reasoning", False)
    return OpenAIModelProfile() if is_own or is_reasoning else _OLD_LIMIT
