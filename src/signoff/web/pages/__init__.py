"""The pages. Each is a folder; a new one is an import and a line here.

`ENTRY` is for visitors. `INSIDE` lies under `/w/{workspace}` and needs a signed-in member of it; its addresses are
written with `chrome.href("/agents")`, which puts the workspace before them.
"""

from __future__ import annotations

from fastapi import APIRouter

from signoff.web.pages.agent_new.route import router as agent_new
from signoff.web.pages.agents.route import router as agents
from signoff.web.pages.first_run.route import router as first_run
from signoff.web.pages.sign_in.route import router as sign_in

ENTRY: tuple[APIRouter, ...] = (
    sign_in,
    first_run,
)
INSIDE: tuple[APIRouter, ...] = (
    agents,
    agent_new,  # Before the pages of one agent: no agent's page is called "new".
)

BASE = "/w/{workspace}"


def routers() -> APIRouter:
    """Return every page under its address. They are no part of the API's document."""
    every = APIRouter(include_in_schema=False)
    for router in ENTRY:
        every.include_router(router)
    for router in INSIDE:
        every.include_router(router, prefix=BASE)
    return every
