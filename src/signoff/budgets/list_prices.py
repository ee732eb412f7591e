"""What the price list we ship says of a model, in dollars per million tokens. The gateway prices calls by it."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from genai_prices import Usage, calc_price

# What the list calls the providers that we name otherwise.
LISTED_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "google": "google", "gemini": "google"}
# Small enough for every tier of a price by size.
_SAMPLE = 1_000


@lru_cache(maxsize=1_000)
def listed(full: str) -> tuple[Decimal, Decimal] | None:
    """Return what a million tokens in and out cost of `provider:model`; None when the list does not have it."""
    provider, _, model = full.partition(":")
    if provider not in LISTED_PROVIDERS:
        return None
    try:
        into, out = (
            Decimal(calc_price(usage, model, provider_id=LISTED_PROVIDERS[provider]).total_price)
            for usage in (Usage(input_tokens=_SAMPLE), Usage(output_tokens=_SAMPLE))
        )
    except (LookupError, ValueError):
        return None
    return into * 1_000, out * 1_000
