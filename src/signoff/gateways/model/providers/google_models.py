"""Models of Google. Imported with the first one that is asked."""

from __future__ import annotations

import httpx2
from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

from signoff.gateways.model.providers.naming import ModelName


def build(name: ModelName, base_url: str | None, client: httpx2.AsyncClient) -> Model:
    """Return the model."""
    google = GoogleProvider(api_key=name.api_key(), base_url=base_url, http_client=client)
    return GoogleModel(name.model, provider=google)
