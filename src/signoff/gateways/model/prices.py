"""What a call costs: prices an administrator entered, the operator's, those of genai-prices; or "unknown", never $0.

All prices are dollars per million tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from genai_prices import Usage, calc_price
from pydantic_ai.usage import RequestUsage
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from signoff.budgets.list_prices import LISTED_PROVIDERS
from signoff.gateways.model.providers.naming import ModelName, parse
from signoff.gateways.model.providers.scripted import find_script
from signoff.kit.errors import ProviderError
from signoff.settings import Settings
from signoff.tables.limits import PriceOverride
from signoff.tables.prepared import Prepared

MILLION = Decimal(1_000_000)
# A revision names one model and five fallbacks at most.
_MODELS = tuple(f"of_model_{number}" for number in range(6))
_ENTERED = Prepared(
    select(PriceOverride.model, PriceOverride.input_usd, PriceOverride.output_usd).where(
        PriceOverride.workspace_id == bindparam("of_workspace"),
        or_(*(PriceOverride.model == bindparam(name) for name in _MODELS)),
    )
)
PriceSource = Literal["entered", "settings", "listed", "local", "script", "unknown"]


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one model. `listed` prices also know cached tokens, tiers and the like, and are asked per call."""

    source: PriceSource
    input_usd: Decimal | None = None
    output_usd: Decimal | None = None
    provider: str = ""
    model: str = ""

    @property
    def is_known(self) -> bool:
        """Return whether a cost can be told."""
        return self.source != "unknown"

    def of(self, usage: RequestUsage) -> Decimal | None:
        """Return what `usage` costs in dollars, or None when nobody knows."""
        if self.source == "unknown":
            return None
        if self.input_usd is not None and self.output_usd is not None:
            return (self.input_usd * usage.input_tokens + self.output_usd * usage.output_tokens) / MILLION
        try:
            return Decimal(calc_price(usage, self.model, provider_id=self.provider).total_price)
        except (LookupError, ValueError):
            return None

    def of_tokens(self, tokens_in: int, tokens_out: int) -> Decimal | None:
        """Return what so many tokens cost in dollars, or None when nobody knows."""
        return self.of(RequestUsage(input_tokens=tokens_in, output_tokens=tokens_out))


UNKNOWN = Price("unknown")


class Prices:
    """Prices of one process. A workspace's entered prices are passed in, read with the other facts of a call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listed: dict[str, Price] = {}

    def price(self, full: str, entered: Mapping[str, Price] | None = None) -> Price:
        """Return the price of model `provider:model`; `UNKNOWN` when nobody has one."""
        if entered and full in entered:
            return entered[full]
        try:
            name = parse(full, self._settings)
        except ProviderError:
            return UNKNOWN
        if name.is_scripted:
            script = find_script(name.model)
            if script is None:
                return UNKNOWN
            return Price("script", script.input_usd_per_million, script.output_usd_per_million)
        if name.configured is not None:
            own = name.configured
            if own.input_usd_per_million is not None or own.output_usd_per_million is not None:
                into, out = own.input_usd_per_million or 0.0, own.output_usd_per_million or 0.0
                return Price("settings", Decimal(str(into)), Decimal(str(out)))
            if name.is_local:
                return Price("local", Decimal(0), Decimal(0))
        if full not in self._listed:
            self._listed[full] = _listed_price(name)
        return self._listed[full]


def entered_prices(session: Session, workspace_id: str, models: list[str]) -> dict[str, Price]:
    """Return the prices an administrator of the workspace entered for these models."""
    asked = dict(zip(_MODELS, (models * len(_MODELS))[: len(_MODELS)], strict=True))
    rows = _ENTERED.all(session, {"of_workspace": workspace_id, **asked})
    return {row.model: Price("entered", row.input_usd, row.output_usd) for row in rows}


def _listed_price(name: ModelName) -> Price:
    provider = LISTED_PROVIDERS.get(name.kind or "")
    try:
        if provider is not None:
            calc_price(Usage(input_tokens=1, output_tokens=1), name.model, provider_id=provider)
            return Price("listed", provider=provider, model=name.model)
        if name.configured is not None and name.configured.base_url:
            found = calc_price(
                Usage(input_tokens=1, output_tokens=1), name.model, provider_api_url=name.configured.base_url
            )
            return Price("listed", provider=found.provider.id, model=name.model)
    except (LookupError, ValueError):
        return UNKNOWN
    return UNKNOWN
