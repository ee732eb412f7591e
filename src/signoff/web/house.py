"""What the pages need of the process they run in. The application keeps it in `app.state.house`."""

from __future__ import annotations

from typing import Protocol, cast

from starlette.requests import Request

from signoff.gateways.services import Services
from signoff.people.entrance import Entrance
from signoff.people.single_sign_on import SingleSignOn
from signoff.settings import Settings
from signoff.tables.session import Store


class Readiness(Protocol):
    """What each part of the process says about itself."""

    async def checks(self) -> dict[str, str]:
        """Return `ok`, or what is wrong, per part."""
        ...


class House(Protocol):
    """The parts pages use."""

    @property
    def settings(self) -> Settings:
        """What the operator decided."""
        ...

    @property
    def store(self) -> Store:
        """The database, as far as the request's workspace goes. The door uses `services.store`, which sees all."""
        ...

    @property
    def services(self) -> Services:
        """What the gateways use: providers, prices, connections."""
        ...

    @property
    def readiness(self) -> Readiness:
        """Is it running?"""
        ...

    @property
    def entrance(self) -> Entrance:
        """Lets people in."""
        ...

    @property
    def single_sign_on(self) -> SingleSignOn:
        """Lets people in through their identity provider."""
        ...


def house_of(request: Request) -> House:
    """Return the house this request is answered in."""
    return cast(House, request.app.state.house)


def store_of(request: Request) -> Store:
    """Return the database of this request."""
    return house_of(request).store
