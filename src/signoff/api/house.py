"""What every route may reach: built once when the process starts, kept on the application."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from signoff.api.readiness import Readiness
from signoff.api.shared_rates import SharedRates
from signoff.engine.precedence import Precedence
from signoff.freezes.lookout import Lookout
from signoff.gateways.services import Services
from signoff.people.entrance import Entrance
from signoff.people.single_sign_on import SingleSignOn
from signoff.settings import Settings
from signoff.tables.session import Store


@dataclass(frozen=True, slots=True)
class House:
    """The parts of one running process.

    `store` sees only the workspace a request is bound to (`tables.walls`); `door` sees every one, because it is not
    known yet who knocks. The engine has neither: many requests must not keep the runs waiting.
    `callers` counts requests per key or member, `crowds` per workspace, `knocks` wrong credentials per network address.
    `precedence` holds back what this process's worker begins.
    """

    settings: Settings
    store: Store
    door: Store
    services: Services
    entrance: Entrance
    callers: SharedRates
    crowds: SharedRates
    knocks: SharedRates
    single_sign_on: SingleSignOn
    readiness: Readiness
    lookout: Lookout
    precedence: Precedence


def house_of(request: Request) -> House:
    """Return the house this request is answered in."""
    return request.app.state.house
