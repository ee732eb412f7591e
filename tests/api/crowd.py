"""Every kind of caller in Alice's workspace, and things that are another's, gone, or never were."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.actions import ask_owner, give_grant, start_handover, take_grant, withdraw_owner
from signoff.connections.secrets import delete_secret
from signoff.kit import ids as new_ids
from signoff.people.access import Principal
from signoff.people.actions import (
    add_member,
    create_key,
    create_role,
    delete_role,
    open_session,
    remove_member,
    revoke_key,
)
from signoff.people.levels import LEVELS
from signoff.people.queries import member
from signoff.runs.actions import cancel_run
from tests.api.sweep import REVIEWER
from tests.api.world import BODY, World, make_identity, make_secret, things

PREFIXES = {
    "run": "run", "agent": "agt", "connection": "con", "secret": "sec", "key": "key", "member": "mem", "freeze": "frz",
    "alert": "alr", "grant": "grt", "revision": "rev", "handover": "hov",
    "entry": "mmy", "trusted_key": "tky", "provider": "idp", "identity": "idn", "approval": "apr", "release": "rel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Ids by the names that paths use. `gone` holds those of things that can be gone."""

    foreign: dict[str, str]
    unknown: dict[str, str]
    gone: dict[str, str]


def add_crowd(world: World) -> Elsewhere:
    """Let them in, and make the things."""
    with world.store.write() as session:
        _people(session, world)
        _keys(session, world)
        # What is done to a member, a grant or a role is done to somebody who is nobody else here.
        session.flush()
        cancel_run(session, world.alice, world.ids["run"])
        foreign = things(session, world.charlie, world.other, world.house, BODY)
        foreign |= _shared(session, world.charlie, foreign["agent"], "theirs")
        gone = _gone(session, world)
    unknown = {name: new_ids.new_id(prefix) for name, prefix in PREFIXES.items()}
    unknown |= {"role": "nosuch", "effect": f"{unknown['run']}:call_1"}
    foreign["workspace"] = "acme"
    return Elsewhere(foreign, unknown, gone)


def _token(session: Session, by: Principal, name: str, role: str) -> tuple[str, str]:
    member_id = add_member(session, by, email=f"{name}@acme.example", name=name, role=role)
    person_id = member(session, by, member_id).person_id
    return member_id, open_session(session, person_id, lifetime_seconds=3600).session_token


def _people(session: Session, world: World) -> None:
    alice, tokens = world.alice, world.tokens
    create_role(session, alice, slug="reviewer", name="Reviewer", permissions=REVIEWER)  # pyright: ignore[reportArgumentType]
    create_role(session, alice, slug="outsider", name="Outsider", permissions={})
    _, tokens["reviewer"] = _token(session, alice, "rita", "reviewer")
    for level in LEVELS:
        member_id, tokens[f"level-{level}"] = _token(session, alice, f"level-{level}", "outsider")
        give_grant(session, alice, world.ids["agent"], member_id=member_id, level=level)
    removed, tokens["removed"] = _token(session, alice, "removed", "administrator")
    remove_member(session, alice, removed)
    world.ids["administrator"], _ = _token(session, alice, "deputy", "administrator")
    world.ids |= _shared(session, alice, world.ids["agent"], "onlooker")
    # An owner's account is unlinked by owners only.
    world.ids["identity"] = make_identity(session, world.ids["provider"], world.ids["member"])


def _shared(session: Session, by: Principal, agent: str, name: str) -> dict[str, str]:
    member_id = add_member(session, by, email=f"{name}@acme.example", name=name, role="viewer")
    role = create_role(session, by, slug=f"role-of-{name}", name=name, permissions={"run.read": "all"})
    grant = give_grant(session, by, agent, member_id=member_id, level="operator" if name == "theirs" else "viewer")
    ask_owner(session, by, agent, kind="approver", member_id=member_id)
    handover = start_handover(session, by, agent, from_member_id=member_id, to_member_id=by.id, reason="tries")
    ask_owner(session, by, agent, kind="approver", member_id=member_id)
    withdraw_owner(session, by, agent, "approver", by.id)
    return {"member": member_id, "role": role, "grant": grant, "handover": handover}


def _keys(session: Session, world: World) -> None:
    alice, keys = world.alice, world.keys
    keys["narrow"] = create_key(session, alice, name="Narrow", preset="admin", scopes=["workspace.read"]).key
    keys["staging"] = create_key(session, alice, name="Staging", preset="admin", environment="staging").key
    revoked = create_key(session, alice, name="Revoked", preset="admin")
    keys["revoked"] = revoked.key
    revoke_key(session, alice, revoked.id)


def _gone(session: Session, world: World) -> dict[str, str]:
    """Things that were here, and are not any more."""
    alice = world.alice
    shared = _shared(session, alice, world.ids["agent"], "leaver")
    secret = make_secret(session, alice, world.house, world.ids["connection"], "GONE")
    take_grant(session, alice, world.ids["agent"], shared["grant"])
    withdraw_owner(session, alice, world.ids["agent"], "approver", shared["member"])
    del shared["handover"]  # What was handed over stays in the record.
    remove_member(session, alice, shared["member"])
    delete_role(session, alice, shared["role"])
    delete_secret(session, alice, secret)
    return {**shared, "secret": secret}
