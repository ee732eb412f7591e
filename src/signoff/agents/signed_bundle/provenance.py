"""Where a revision came from: each link says what was done, where, by whom, and is signed by the installation it names.

Links of this installation are read from what is stored (revision, origin, first switch in each environment) and signed
when they leave; links that came with a bundle are kept and passed on exactly as they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision
from signoff.agents.signed_bundle.document import LINKS_MAX, Act, fingerprint, link_bytes
from signoff.connections.signing import Signer
from signoff.kit.canonical import content_hash
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.tables.agents import Agent, Revision
from signoff.tables.bundles import RevisionOrigin
from signoff.tables.deployments import Deployment, LiveRevision
from signoff.tables.people import Environment, Workspace

_SWITCHES_READ = 500


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """One link as people read it. `instance` and `key_id` are None for what was done here."""

    act: Act
    at: datetime
    by: str
    workspace: str
    agent: str
    revision: int
    environment: str | None
    instance: str | None
    key_id: str | None
    bundle: str | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a revision came from. `signer`, `bundle` and `missing` are there when it was imported."""

    revision_id: str
    number: int
    hash: str
    links: tuple[LinkFacts, ...]
    signer: str | None = None
    bundle: str | None = None
    missing: tuple[str, ...] = ()


def provenance_of(session: Session, viewer: Principal, agent: str, revision: int | str) -> Provenance:
    """Return the chain of a revision.

    Raises:
        NotFound: there is no such agent or revision here.
    """
    found = agent_for(session, viewer, agent, "agent.read")
    row = find_revision(session, found, revision)
    origin = session.get(RevisionOrigin, row.id)
    came = [_told(link) for link in origin.chain] if origin else []
    here = [
        LinkFacts(one["act"], datetime.fromisoformat(one["at"]), one["by"], one["workspace"], one["agent"],
                  one["revision"], one["environment"], None, None, one["bundle"])
        for one in _own(session, found, row, origin)
    ]  # fmt: skip
    missing = tuple(one["name"] for one in origin.missing) if origin else ()
    return Provenance(
        row.id, row.number, row.hash, (*came, *here), origin.signer if origin else None,
        origin.bundle if origin else None, missing,
    )  # fmt: skip


def signed_chain(session: Session, agent: Agent, revision: Revision, signer: Signer, name: str) -> list[dict[str, Any]]:
    """Return the chain with the links of this installation signed, as a bundle holds it.

    Args:
        name: what this installation calls itself.

    Raises:
        NotNow: the chain is longer than a bundle takes.
    """
    origin = session.get(RevisionOrigin, revision.id)
    chain: list[dict[str, Any]] = list(origin.chain) if origin else []
    instance = {"id": fingerprint(signer.public_key), "name": name[:200]}
    for one in _own(session, agent, revision, origin):
        previous = content_hash(chain[-1]) if chain else None
        link = {**one, "instance": instance, "previous": previous, "public_key": signer.public_key}
        chain.append({**link, "signature": signer.sign(link_bytes(link))})
    if len(chain) > LINKS_MAX:
        raise NotNow(
            f"The provenance of this revision has {len(chain)} links; a bundle takes {LINKS_MAX}. Freeze it anew here.",
            code="provenance_too_long",
        )
    return chain


def _own(session: Session, agent: Agent, revision: Revision, origin: RevisionOrigin | None) -> list[dict[str, Any]]:
    """Return what was done here: the freezing or the import, then the first time it went live in each environment."""
    workspace = session.get_one(Workspace, agent.workspace_id).slug
    about = {"workspace": workspace, "agent": agent.slug, "revision": revision.number, "hash": revision.hash}
    if origin is None:
        links = [_link("frozen", revision.created_at, revision.author_name, about)]
    else:
        links = [_link("imported", origin.imported_at, origin.imported_by_name, about, bundle=origin.bundle)]
    promoted = [
        _link("promoted", at, by, about, environment=slug) for slug, (at, by) in _served(session, revision).items()
    ]
    return links + sorted(promoted, key=lambda one: (one["at"], one["environment"]))


def _served(session: Session, revision: Revision) -> dict[str, tuple[datetime, str]]:
    rows = session.execute(
        select(Environment.slug, Deployment.created_at, Deployment.actor_name)
        .join(Environment, Environment.id == Deployment.environment_id)
        .where(Deployment.agent_id == revision.agent_id, Deployment.revision_id == revision.id)
        .order_by(Deployment.id)
        .limit(_SWITCHES_READ)
    )
    first: dict[str, tuple[datetime, str]] = {}
    for row in rows:
        first.setdefault(row.slug, (row.created_at, row.actor_name))
    # The first revision of an agent serves without a switch.
    served = session.execute(
        select(Environment.slug, LiveRevision.changed_at)
        .join(Environment, Environment.id == LiveRevision.environment_id)
        .where(LiveRevision.agent_id == revision.agent_id, LiveRevision.revision_id == revision.id)
    )
    for row in served:
        first.setdefault(row.slug, (row.changed_at, revision.author_name))
    return first


def _link(
    act: Act,
    at: datetime,
    by: str,
    about: dict[str, Any],
    *,
    environment: str | None = None,
    bundle: str | None = None,
) -> dict[str, Any]:
    return {"act": act, "at": at.isoformat(), "by": by, **about, "environment": environment, "bundle": bundle}


def _told(link: dict[str, Any]) -> LinkFacts:
    return LinkFacts(
        act=link["act"],
        at=datetime.fromisoformat(link["at"]),
        by=link["by"],
        workspace=link["workspace"],
        agent=link["agent"],
        revision=link["revision"],
        environment=link["environment"],
        instance=link["instance"]["name"],
        key_id=link["instance"]["id"],
        bundle=link["bundle"],
    )
