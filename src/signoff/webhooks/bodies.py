"""What a webhook is sent: ids, states, codes, names and a link. Never what went into a run or came out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.text import shortened
from signoff.tables.agents import Agent
from signoff.tables.people import Environment, Workspace

TEST = "webhook.test"
_NAME_CHARS = 200
_TEXT_CHARS = 200
# Where the thing is seen, below the workspace.
_PLACES = {"run": "runs/", "approval": "inbox/", "release": "releases/", "incident": "incidents/"}


def body_of(session: Session, workspace_id: str, told: Mapping[str, Any], *, address: str) -> str:
    """Return the message for an event, as the text that is signed and sent.

    Args:
        told: as `happenings.tell` left it.
        address: where people reach this installation, from the settings.
    """
    place = session.get_one(Workspace, workspace_id)
    kind, about = str(told["event"]).partition(".")[0], str(told["about"])
    data: dict[str, Any] = {"id": about, **_bounded(told["facts"])}
    if told.get("environment"):
        data["environment"] = session.scalar(select(Environment.slug).where(Environment.id == told["environment"]))
    agent = _agent(session, workspace_id, told.get("agent"))
    if agent is not None:
        data["agent"] = agent
    page = f"{_PLACES[kind]}{about}" if kind in _PLACES else ""
    data["link"] = f"{address}/w/{place.slug}/{page}"
    message = {
        "id": told["id"], "type": told["event"], "timestamp": told["at"],
        "workspace": {"id": place.id, "slug": place.slug}, "data": data,
    }  # fmt: skip
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _agent(session: Session, workspace_id: str, agent_id: str | None) -> dict[str, str] | None:
    row = session.execute(
        select(Agent.id, Agent.slug, Agent.name).where(Agent.id == agent_id, Agent.workspace_id == workspace_id)
    ).one_or_none()
    return {"id": row.id, "slug": row.slug, "name": shortened(row.name, _NAME_CHARS)} if row is not None else None


def _bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shortened(value, _TEXT_CHARS) if isinstance(value, str) else value for name, value in facts.items()}
