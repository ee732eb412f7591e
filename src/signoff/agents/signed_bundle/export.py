"""Making a bundle of one revision: signed, without a secret, checked like anybody else's before it leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision, revision_body
from signoff.agents.signed_bundle.checking import check_bundle
from signoff.agents.signed_bundle.document import KIND, as_bytes, fingerprint, seal_bytes
from signoff.agents.signed_bundle.holes import holes_of
from signoff.agents.signed_bundle.leaks import refuse_secrets
from signoff.agents.signed_bundle.provenance import signed_chain
from signoff.agents.signed_bundle.refusals import BundleRefused
from signoff.connections.secrets.scanning import redactor_of_everything
from signoff.connections.signing import signer_for
from signoff.connections.vault import Vault
from signoff.kit.canonical import content_hash
from signoff.kit.redact import Redactor
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.agents import Agent, Revision
from signoff.tables.bundles import RevisionOrigin
from signoff.tables.probes import ProbePolicy


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle. Write `data` as it is: one byte more or less, and it is refused."""

    data: bytes = field(repr=False)
    digest: str
    key_id: str
    file_name: str


def export_bundle(
    session: Session,
    principal: Principal,
    vault: Vault,
    agent: str,
    revision: int | str,
    *,
    instance: str,
    also_secret: Iterable[Redactor] = (),
) -> Exported:
    """Return a revision as a signed bundle; the audit notes that it left.

    Args:
        instance: what this installation calls itself: its address.
        also_secret: what else must not leave, such as the operator's keys of model providers.

    Raises:
        NotFound: there is no such agent or revision here.
        SecretInBundle: a text of it holds the value of a secret.
        BundleRefused: a name in it cannot be shown as it is, so that nobody would take the bundle.
    """
    found = agent_for(session, principal, agent, "agent.read")
    row = find_revision(session, found, revision)
    # Read through the check of its hash: what was damaged does not leave under our signature.
    body = revision_body(session, row.id)
    signer = signer_for(session, vault)
    payload: dict[str, Any] = {
        "agent": _about(found),
        "revision": {"body": row.body, "hash": row.hash, "name": row.name, "reason": row.reason},
        "policies": {"probes": _policy(session, found.workspace_id)},
        "datasets": _datasets(session, row),
        "holes": holes_of(session, found.workspace_id, body).model_dump(mode="json"),
        "provenance": signed_chain(session, found, row, signer, instance),
    }
    refuse_secrets(payload, [redactor_of_everything(session, vault, found.workspace_id), *also_secret])
    digest = content_hash(payload)
    value = signer.sign(seal_bytes(digest, signer.public_key))
    key_id = fingerprint(signer.public_key)
    seal = {"algorithm": "ed25519", "key_id": key_id, "public_key": signer.public_key, "value": value}
    data = as_bytes({"kind": KIND, "digest": digest, "payload": payload, "signature": seal})
    _refuse_unreadable(data, signer.public_key)
    _note(session, principal, found, row, digest, key_id)
    return Exported(data, digest, key_id, f"{found.slug}-{row.number}.bundle.json")


def _about(agent: Agent) -> dict[str, Any]:
    return {"slug": agent.slug, "name": agent.name, "description": agent.description, "tags": list(agent.tags)}


def _policy(session: Session, workspace_id: str) -> str | None:
    newest = select(ProbePolicy.digest).where(ProbePolicy.workspace_id == workspace_id)
    return session.scalar(newest.order_by(ProbePolicy.version.desc()).limit(1))


def _datasets(session: Session, row: Revision) -> list[dict[str, Any]]:
    """Return the datasets by reference: those an imported revision came with."""
    origin = session.get(RevisionOrigin, row.id)
    return list(origin.datasets) if origin else []


def _refuse_unreadable(data: bytes, public_key: str) -> None:
    checked = check_bundle(data, {public_key: "ourselves"})
    if not checked.is_good:
        raise refused(checked.failures, "Nobody would take this bundle, so it was not made.")


def refused(failures: Iterable[Any], words: str) -> BundleRefused:
    """Return the refusal that names every check that failed."""
    found = {check.name: [check.text] for check in failures}
    return BundleRefused(f"{words} What does not hold: {', '.join(found)}.", errors=found)


def _note(session: Session, principal: Principal, agent: Agent, row: Revision, digest: str, key_id: str) -> None:
    audit.write(
        session,
        workspace_id=agent.workspace_id,
        actor=principal.actor,
        action="revision.exported",
        object_kind="agent",
        object_id=agent.id,
        detail={"revision": row.id, "number": row.number, "hash": row.hash, "bundle": digest, "key": key_id},
    )
