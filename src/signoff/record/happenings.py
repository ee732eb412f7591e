"""The events that a workspace can have told of: a closed list, and the message that carries one up.

It is left in the transaction that makes the event true, and only where somebody listens. What it carries are ids,
states and codes; never what went into a run or came out of it, never what anybody wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.record import outbox
from signoff.tables.prepared import Prepared
from signoff.tables.webhooks import Webhook

HAPPENED: Final = "event.happened"

Event = Literal[
    "run.waiting",
    "run.completed",
    "run.failed",
    "run.cancelled",
    "run.rejected",
    "approval.requested",
    "approval.approved",
    "approval.denied",
    "approval.answered",
    "approval.expired",
    "approval.withdrawn",
    "release.requested",
    "release.refused",
    "release.shadow",
    "release.canary",
    "release.live",
    "release.held",
    "release.settled",
    "release.aborted",
    "release.rolled_back",
    "alert.raised",
    "alert.resolved",
    "incident.opened",
    "incident.acknowledged",
    "incident.mitigated",
    "incident.resolved",
    "incident.reviewed",
]
EVENTS: tuple[Event, ...] = get_args(Event)

# What each tells, in words: pages and the reference read this.
EVENT_WORDS: Mapping[Event, str] = {
    "run.waiting": "A run waits: for a person, a window, a provider, another run.",
    "run.completed": "A run has its answer.",
    "run.failed": "A run failed, and its code says why.",
    "run.cancelled": "A run was called off.",
    "run.rejected": "A run was not begun, and its code says why.",
    "approval.requested": "A person is asked.",
    "approval.approved": "A request was approved.",
    "approval.denied": "A request was denied.",
    "approval.answered": "A question was answered.",
    "approval.expired": "Nobody answered a request in time.",
    "approval.withdrawn": "A request is not needed any more: its run is over.",
    "release.requested": "A release began.",
    "release.refused": "A release was refused.",
    "release.shadow": "A candidate tries, acting on nothing, what is really asked.",
    "release.canary": "A candidate serves a share of what is started.",
    "release.live": "A release switched: its revision serves.",
    "release.held": "A release stays where it is until somebody takes it over.",
    "release.settled": "The watch over a release ended.",
    "release.aborted": "A release was called off before its revision served.",
    "release.rolled_back": "A release was gone back from.",
    "alert.raised": "Something asks for attention, and its kind says what.",
    "alert.resolved": "What an alert told of is over, or somebody has seen to it.",
    "incident.opened": "Something went wrong, and how bad it is.",
    "incident.acknowledged": "Somebody sees to an incident.",
    "incident.mitigated": "An incident does no more harm.",
    "incident.resolved": "An incident is over.",
    "incident.reviewed": "What was learnt from an incident is written down.",
}

# What `data` holds beside `id`, `agent`, `environment` and `link`, by what the event is about.
FACTS: Mapping[str, Mapping[str, str]] = {
    "run": {
        "state": "the state it is in now", "code": "why, as a problem code", "waiting_for": "what it waits for",
        "origin": "`production` or `test`", "mode": "`live`, `sandbox` or `replay`", "revision": "the revision's id",
        "parent": "the run that asked for it",
    },
    "approval": {
        "state": "`pending`, or how it ended", "kind": "`approval` or `question`", "gate": "the gate's name",
        "run": "the run that waits", "revision": "the revision's id",
    },
    "release": {
        "state": "the state it is in now", "code": "why it ended", "revision": "the revision's id",
        "tier": "the risk tier", "is_rollback": "whether it goes back to what served before",
    },
    "alert": {"kind": "the kind of alert", "state": "`open` or `resolved`"},
    "incident": {
        "state": "the state it is in now", "severity": "`sev1`, `sev2` or `sev3`", "alert": "the alert that opened it",
        "release": "the release that served when it began", "revision": "the revision that served when it began",
    },
}  # fmt: skip

_IS_HEARD = Prepared(
    select(Webhook.id).where(Webhook.workspace_id == bindparam("of_workspace"), Webhook.state == "on").limit(1)
)


def is_heard(session: Session, workspace_id: str) -> bool:
    """Return whether a workspace has events told of at all."""
    return _IS_HEARD.first(session, {"of_workspace": workspace_id}) is not None


def tell(
    session: Session,
    workspace_id: str,
    event: Event,
    *,
    about: str,
    agent_id: str | None = None,
    environment_id: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Have an event told of as soon as this transaction is durable. One look at an index where nobody listens.

    Args:
        about: the id of the run, request, release, alert or incident.
        facts: ids, states and codes; None values are left out.
    """
    if is_heard(session, workspace_id):
        outbox.send(
            session,
            workspace_id=workspace_id,
            kind=HAPPENED,
            payload={
                "id": ids.new_id("evt"), "event": event, "at": clock.now().isoformat(), "about": about,
                "agent": agent_id, "environment": environment_id,
                "facts": {name: value for name, value in (facts or {}).items() if value is not None},
            },
        )  # fmt: skip
