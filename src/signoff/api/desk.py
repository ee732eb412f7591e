"""What a route works with: the caller, and the rooms' functions called in the caller's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Path, Query, Request
from sqlalchemy.orm import Session

from signoff.api.house import House, house_of
from signoff.api.identity import Caller
from signoff.api.once import AtMostOnce, Once, write_again
from signoff.people.access import Principal
from signoff.settings import Settings
from signoff.tables.session import Store

P = ParamSpec("P")
T = TypeVar("T")

WorkspaceSlug = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="The workspace's slug.", examples=["acme"])
]
_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
AgentName = Annotated[str, Path(pattern=_ID, description="The agent's slug or id.", examples=["supplier-mail"])]
EnvironmentSlug = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="The environment's slug.", examples=["production"])
]
Id = Annotated[str, Path(pattern=_ID, description="An id, as the list gave it.")]
Cursor = Annotated[
    str | None, Query(max_length=600, pattern=r"^[A-Za-z0-9_-]+$", description="`next_cursor` of the page before.")
]
Size = Annotated[int | None, Query(ge=1, le=200, description="Rows per page; 30 unless said.")]


class Desk:
    """One request's caller, with the functions of the rooms within reach."""

    def __init__(self, house: House, principal: Principal) -> None:
        self.house = house
        self.principal = principal

    @property
    def store(self) -> Store:
        """Return the database."""
        return self.house.store

    @property
    def settings(self) -> Settings:
        """Return the settings."""
        return self.house.settings

    async def read(
        self, query: Callable[Concatenate[Session, Principal, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a query as the caller."""
        return await self.store.read_async(query, self.principal, *args, **kwargs)

    async def write(
        self, action: Callable[Concatenate[Session, Principal, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action as the caller, in one transaction."""
        return await write_again(self.store, action, self.principal, *args, **kwargs)


class MakingDesk(Desk):
    """A desk for requests that start or create something: with an `Idempotency-Key`, at most once."""

    def __init__(self, house: House, principal: Principal, once: Once) -> None:
        super().__init__(house, principal)
        self._once = once

    async def make(
        self,
        name: str,
        asked: Any,
        work: Callable[[Session, Principal], T],
        *,
        kept: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Do `work` once and return its answer as plain JSON; see `Once.do`."""

        def as_caller(session: Session) -> T:
            return work(session, self.principal)

        if kept is None:
            return await self._once.do(self.principal, name, asked, as_caller)
        return await self._once.do(self.principal, name, asked, as_caller, kept=kept)


async def desk(workspace: WorkspaceSlug, request: Request, principal: Caller) -> Desk:
    """Return the desk in the workspace of the address; the caller belongs to it."""
    return Desk(house_of(request), principal)


async def making_desk(workspace: WorkspaceSlug, request: Request, principal: Caller, once: AtMostOnce) -> MakingDesk:
    """Return the desk of a request that starts or creates something."""
    return MakingDesk(house_of(request), principal, once)


AtDesk = Annotated[Desk, Depends(desk)]
AtMakingDesk = Annotated[MakingDesk, Depends(making_desk)]
