"""What the model gateway can say about a model's name before anything is called; for lint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from signoff.gateways.model.prices import Prices
from signoff.gateways.model.providers import Providers


@dataclass(frozen=True, slots=True)
class ModelKnowledge:
    """Two questions about a model named `provider:model`; None means: cannot say."""

    known_model: Callable[[str], bool | None]
    has_price: Callable[[str], bool | None]


def model_knowledge(providers: Providers, prices: Prices) -> ModelKnowledge:
    """Return what this process's settings tell about models."""

    def has_price(full: str) -> bool | None:
        return prices.price(full).is_known

    return ModelKnowledge(providers.is_known, has_price)
