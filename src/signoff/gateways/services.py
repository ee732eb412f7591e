"""What the gateways need from the process they run in; built once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from signoff import durable
from signoff.budgets.defaults import Defaults, defaults_of
from signoff.connections.secrets import Vault
from signoff.connectors.pool import Pool
from signoff.connectors.vaults.stores import SecretStores
from signoff.gateways.masking import Masking
from signoff.gateways.model.prices import Prices
from signoff.gateways.model.providers import Providers
from signoff.gateways.model.providers.naming import provider_keys
from signoff.gateways.model.surprises import Surprises
from signoff.gateways.model.throttling import Throttles
from signoff.settings import Settings
from signoff.tables.session import Store

_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a gateway reaches beyond its own call.

    Args:
        may_act: whether this process still holds its lease (blocking, when the database must be asked). A process
            that was only asleep must not act on runs that others took over.
    """

    settings: Settings
    store: Store
    pool: Pool
    vault: Vault
    providers: Providers
    prices: Prices
    masking: Masking
    stores: SecretStores
    throttles: Throttles = field(default_factory=Throttles)
    # What may be spent where nobody set a limit. Without any: as if none were wanted.
    limits: Defaults = field(default_factory=Defaults)
    surprises: Surprises = field(default_factory=Surprises)
    may_act: Callable[[], bool] = durable.may_act

    @staticmethod
    def build(
        settings: Settings, store: Store, vault: Vault, *, may_act: Callable[[], bool] = durable.may_act
    ) -> Services:
        """Return the services for one process and one event loop."""
        return Services(
            settings=settings,
            store=store,
            pool=Pool(settings),
            vault=vault,
            providers=Providers(settings),
            prices=Prices(settings),
            masking=Masking(vault, provider_keys(settings), old_for_seconds=settings.run_wall_seconds_max),
            stores=SecretStores(settings),
            limits=defaults_of(settings),
            may_act=may_act,
        )

    async def until_may_act(self) -> None:
        """Return once this process may act; right before every act on the outside.

        While the database is away nobody can tell, so the act waits. When others took over, the process ends.
        """
        # Nearly always the lease is fresh, which is seen without a thread. Whoever asks otherwise is always asked.
        if self.may_act is durable.may_act and durable.is_lease_fresh():
            return
        while not await asyncio.to_thread(self.may_act):  # noqa: ASYNC110  # Nobody signals that a database is back.
            await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        """Close every connection to the outside. The store is the caller's."""
        await asyncio.gather(self.pool.close(), self.providers.close(), self.stores.close(), return_exceptions=True)
