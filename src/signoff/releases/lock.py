"""The lock of a release: all that its revision refers to, as it was when it went live; and what drifted from it.

A revision names models, slots and tools. What stands behind those names may change under a revision that never does:
a price, the schema of a tool, its class of effect. The lock keeps what was tested, so that a drift is seen. It holds
the same of every agent that may come to be called, however deep: what they do is done for this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.reached import Named, Reached, reached
from signoff.agents.revisions import revision_body
from signoff.budgets.list_prices import listed
from signoff.kit.money import as_text
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Connection, Tool
from signoff.tables.limits import PriceOverride
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.watch.probes.policies import holding_digests

# Of a web of agents so many revisions are kept; nobody tests more.
_BELOW_MAX = 100

DriftKind = Literal["price", "connection", "tool", "agent", "policy"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as it was when the release went live."""

    kind: DriftKind
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class World:
    """What stands behind the names now; of several releases at once, so that a sweep asks three questions."""

    connections: Mapping[tuple[str, str], dict[str, Any]]
    prices: Mapping[tuple[str, str], tuple[Decimal, Decimal]]
    policies: Mapping[str, str]
    # None: there is no such revision.
    agents: Mapping[Named, Reached | None]


def lock_of(session: Session, agent: Agent, place: Environment, target: Revision) -> dict[str, Any]:
    """Return what a revision refers to in an environment, as plain JSON: models with prices, connections and tools with
    their hashes and effects, agents it may come to use, each with the same. The policy it ships under is named by the
    release's own digest."""
    body = revision_body(session, target.id)
    world = world_of(session, [(agent.workspace_id, place.id, body)])
    return {"revision": target.hash, **_whole(agent.workspace_id, place.id, agent.id, body, world)}


def drift(session: Session, release: Release) -> list[Drift]:
    """Return what is not as a release's lock says; nothing for a release that has none."""
    body = revision_body(session, release.revision_id)
    return drifted(release, body, world_of(session, [(release.workspace_id, release.environment_id, body)]))


def drifted(release: Release, body: Body, world: World) -> list[Drift]:
    """Return what is not as a release's lock says, in the world as it was read."""
    if not release.lock:
        return []
    now = _whole(release.workspace_id, release.environment_id, release.agent_id, body, world)
    found = [
        *_part_drifted(release.lock, now),
        *_policy_drifted(release.policy_digest, world.policies.get(release.workspace_id)),
    ]
    told = {(one.kind, one.name) for one in found}
    # Of what was not called when it went live, that it is called now is told where it is.
    for name, before in release.lock.get("below", {}).items():
        for one in _part_drifted(before, now["below"].get(name, before)):
            if (one.kind, one.name) not in told:
                told.add((one.kind, one.name))
                found.append(replace(one, text=f"{one.text} The sub-agent {name.partition('@')[0]} uses it."))
    return found


def _part_drifted(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Drift]:
    return [
        *_prices_drifted(before.get("models", {}), now["models"]),
        *_slots_drifted(before.get("slots", {}), now["slots"]),
        *_agents_drifted(before.get("agents", {}), now["agents"]),
    ]


def world_of(session: Session, wanted: Sequence[tuple[str, str, Body]]) -> World:
    """Return what stands behind the names of these bodies, each with its workspace and its environment."""
    agents = reached(session, wanted)
    bodies = [*(body for _, _, body in wanted), *(one.body for one in agents.values() if one and one.body)]
    workspaces = {workspace for workspace, _, _ in wanted}
    places = {place for _, place, _ in wanted}
    slots = {slot.slot for body in bodies for slot in body.tools}
    models = {name for body in bodies for name in _models(body)}
    prices = session.execute(
        select(
            PriceOverride.workspace_id, PriceOverride.model, PriceOverride.input_usd, PriceOverride.output_usd
        ).where(PriceOverride.workspace_id.in_(workspaces), PriceOverride.model.in_(models))
    )
    return World(
        _connections(session, places, slots),
        {(row.workspace_id, row.model): (row.input_usd, row.output_usd) for row in prices},
        holding_digests(session, workspaces),
        agents,
    )


def _connections(session: Session, places: set[str], slots: set[str]) -> dict[tuple[str, str], dict[str, Any]]:
    rows = session.execute(
        select(
            Connection.id, Connection.environment_id, Connection.slug, Connection.kind, Tool.name, Tool.definition_hash,
            Tool.effect, Tool.state,
        )
        .outerjoin(Tool, Tool.connection_id == Connection.id)
        .where(
            Connection.environment_id.in_(places), Connection.slug.in_(slots), Connection.state != "disconnected"
        )
    )  # fmt: skip
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row.environment_id, row.slug)
        one = found.setdefault(key, {"connection": row.id, "kind": row.kind, "tools": {}})
        if row.name is not None:
            one["tools"][row.name] = {"hash": row.definition_hash, "effect": row.effect, "state": row.state}
    return found


def _whole(workspace_id: str, place_id: str, agent_id: str, body: Body, world: World) -> dict[str, Any]:
    """Return what a body refers to, and `below` the same of each revision it may come to call, by `<slug>@<number>`."""
    whole, below = _referred(workspace_id, place_id, body, world), dict[str, dict[str, Any]]()
    level = [body]
    for _ in range(body.limits.sub_agent_depth):
        names = sorted({(one.agent, one.revision) for each in level for one in each.sub_agents})
        met = [world.agents.get((workspace_id, place_id, *name)) for name in names]
        level = list[Body]()
        for one in met:
            # An agent never works for itself: what calls back is refused, and holds nothing.
            if one is None or one.body is None or one.agent_id == agent_id or _name(one) in below:
                continue
            if len(below) < _BELOW_MAX:
                below[_name(one)] = _referred(workspace_id, place_id, one.body, world, without=agent_id)
                level.append(one.body)
    return {**whole, "below": below}


def _name(one: Reached) -> str:
    return f"{one.slug}@{one.number}"


def _referred(workspace_id: str, place_id: str, body: Body, world: World, *, without: str = "") -> dict[str, Any]:
    meant = {one.tool: world.agents.get((workspace_id, place_id, one.agent, one.revision)) for one in body.sub_agents}
    return {
        "models": {name: _price(workspace_id, name, world) for name in _models(body)},
        "slots": {
            slot.slot: _slot(place_id, slot.slot, [one.tool for one in slot.allow], world) for slot in body.tools
        },
        "agents": {
            one.tool: {
                "agent": one.agent,
                "revision": one.revision,
                "resolved": {"number": found.number, "hash": found.hash} if found is not None else None,
            }
            for one in body.sub_agents
            if (found := meant[one.tool]) is None or found.agent_id != without
        },
    }


def _models(body: Body) -> list[str]:
    return [body.model.name, *body.model.fallbacks]


def _price(workspace_id: str, name: str, world: World) -> dict[str, Any]:
    """Return the price of a model: entered here, or of the list; the operator's own models have theirs in settings."""
    entered = world.prices.get((workspace_id, name))
    source, pair = ("entered", entered) if entered else ("listed", listed(name))
    if pair is None:
        return {"source": "elsewhere", "input_usd": None, "output_usd": None}
    return {"source": source, "input_usd": as_text(pair[0]), "output_usd": as_text(pair[1])}


def _slot(place_id: str, slot: str, tools: Iterable[str], world: World) -> dict[str, Any] | None:
    known = world.connections.get((place_id, slot))
    return known and {**known, "tools": {tool: known["tools"].get(tool) for tool in sorted(tools)}}


def _prices_drifted(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Drift]:
    for name, price in now.items():
        old = before.get(name, price)
        if (old["input_usd"], old["output_usd"]) != (price["input_usd"], price["output_usd"]):
            yield Drift("price", name, f"{name} costs {_dollars(price)} instead of {_dollars(old)}.")


def _dollars(price: Mapping[str, Any]) -> str:
    if price["input_usd"] is None:
        return "what nobody says here"
    return f"{price['input_usd']} and {price['output_usd']} USD a million tokens"


def _slots_drifted(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Drift]:
    for slot, one in now.items():
        old = before.get(slot)
        if one is None or old is None:
            if one != old:
                words = "is gone" if one is None else "is there now, and was not"
                yield Drift("connection", slot, f"The connection {slot} {words}.")
            continue
        if one["connection"] != old["connection"]:
            yield Drift("connection", slot, f"Another connection stands at {slot}.")
        for tool, known in one["tools"].items():
            yield from _tool_drifted(f"{slot}.{tool}", old["tools"].get(tool), known)


def _tool_drifted(name: str, old: Mapping[str, Any] | None, known: Mapping[str, Any] | None) -> Iterable[Drift]:
    if old is None or known is None:
        if old != known:
            yield Drift("tool", name, f"{name} is {'gone' if known is None else 'there now, and was not'}.")
        return
    if known["hash"] != old["hash"]:
        yield Drift(
            "tool", name, f"{name} is defined otherwise: what it takes, what it gives, or what it says it does."
        )
    if known["effect"] != old["effect"]:
        yield Drift("tool", name, f"{name} counts as {known['effect']} instead of {old['effect']}.")
    if known["state"] != old["state"]:
        yield Drift("tool", name, f"{name} is {known['state']} and was {old['state']}.")


def _agents_drifted(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Drift]:
    for tool, one in now.items():
        old, new = before.get(tool, one)["resolved"], one["resolved"]
        if old == new:
            continue
        if new is None or old is None:
            words = "is not there any more" if new is None else "is there now, and was not"
            yield Drift("agent", one["agent"], f"The revision of the sub-agent {one['agent']} {words}.")
        else:
            words = f"serves as revision {new['number']} now, and did as {old['number']} when this went live"
            yield Drift("agent", one["agent"], f"The sub-agent {one['agent']} {words}.")


def _policy_drifted(before: str | None, now: str | None) -> Iterable[Drift]:
    """By the digest that the evidence of the release carries; what was gone back to was asked for none."""
    if before is not None and before != now:
        yield Drift("policy", "probes", "The policy of probes is another than the one it was let through under.")
