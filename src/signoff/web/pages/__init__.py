"""The pages. Each is a folder; a new one is an import and a line here.

`ENTRY` is for visitors. `INSIDE` lies under `/w/{workspace}` and needs a signed-in member of it; its addresses are
written with `chrome.href("/agents")`, which puts the workspace before them.
"""

from __future__ import annotations

from fastapi import APIRouter

ENTRY: tuple[APIRouter, ...] = ()
INSIDE: tuple[APIRouter, ...] = ()

BASE = "/w/{workspace}"


def routers() -> APIRouter:
    """Return every page under its address. They are no part of the API's document."""
    every = APIRouter(include_in_schema=False)
    for router in ENTRY:
        every.include_router(router)
    for router in INSIDE:
        every.include_router(router, prefix=BASE)
    return every
