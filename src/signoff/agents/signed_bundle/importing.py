"""Taking a bundle in: first a plan that changes nothing, then all of it or nothing.

What is imported is frozen and serves nowhere. It gets a number of this workspace and keeps its hash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.actions import create_agent, freeze_revision, keep_refused_save, save_draft
from signoff.agents.diff import RevisionDiff, diff
from signoff.agents.limits import REASON_MAX
from signoff.agents.lint import NO_FACTS
from signoff.agents.refusals import SlugTaken
from signoff.agents.signed_bundle.checking import Checked, check_bundle
from signoff.agents.signed_bundle.document import Payload
from signoff.agents.signed_bundle.export import refused
from signoff.agents.signed_bundle.holes import Missing, differing_in, missing_in
from signoff.agents.signed_bundle.refusals import AgentExists, BindingsMissing, NotTheSame
from signoff.agents.signed_bundle.trust import trusted
from signoff.kit import clock
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Malformed, NotFound
from signoff.kit.text import is_slug, shortened
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.agents import Agent, Draft, Revision
from signoff.tables.bundles import RevisionOrigin
from signoff.tables.people import Environment

Known = Callable[[str], bool | None]
Kind = Literal["create", "revision", "same"]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do.

    Attributes:
        kind: an agent would be made; or a further revision; or this very revision is here already.
        number: the number it would get, or has.
        missing: bindings that `environment` lacks. With one of them the import is refused, unless that is allowed.
        differing: tools that are there and take or give something else. They count as missing.
        seen: the revision number and draft version the plan rests on.
    """

    kind: Kind
    agent: str
    agent_id: str | None
    number: int
    hash: str
    digest: str
    signer: str
    public_key: str
    environment: str
    missing: tuple[Missing, ...]
    differing: tuple[Missing, ...]
    diff: RevisionDiff
    overwrites_draft: bool
    seen: tuple[int, int]

    @property
    def lacks(self) -> tuple[Missing, ...]:
        """Return everything that stands in the way."""
        return (*self.missing, *self.differing)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made. `kind` is `same` when the revision was here already, and nothing was."""

    kind: Kind
    agent: str
    agent_id: str
    revision_id: str
    number: int
    hash: str
    missing: tuple[str, ...]


def checked_payload(session: Session, principal: Principal, data: bytes) -> tuple[Checked, Payload]:
    """Return a bundle that holds, signed by somebody this workspace trusts.

    Raises:
        BundleRefused: it does not; `errors` has every check that failed.
    """
    authorize(principal, "agent.create")
    checked = check_bundle(data, trusted(session, principal.workspace_id))
    if not checked.is_good or checked.payload is None:
        raise refused(checked.failures, "The bundle is refused; nothing was imported.")
    return checked, checked.payload


def plan_import(
    session: Session,
    principal: Principal,
    data: bytes,
    *,
    environment: str | None = None,
    slug: str | None = None,
    known_model: Known | None = None,
) -> ImportPlan:
    """Return what importing a bundle would do. Nothing is written.

    Args:
        environment: whose bindings are looked at; None takes the first of the workspace.
        slug: the name of the agent here; None keeps the one it has in the bundle.

    Raises:
        BundleRefused: the bundle does not hold.
        NotFound: there is no such environment.
    """
    checked, payload = checked_payload(session, principal, data)
    place = _place(session, principal, environment)
    name = slug or payload.agent.slug
    if not is_slug(name):
        raise Malformed(f"{name[:80]!r} cannot be the name of an agent in addresses.", errors={"slug": ["no slug"]})
    stored = session.execute(
        select(Agent, Draft)
        .join(Draft, Draft.agent_id == Agent.id)
        .where(Agent.workspace_id == principal.workspace_id, Agent.slug == name)
    ).one_or_none()
    missing = missing_in(session, principal.workspace_id, place.id, payload.holes, known_model=known_model)
    # There are no datasets in this release: each one named is one that is not here.
    missing += [Missing("dataset", one.name, f"There is no dataset {one.name} here.") for one in payload.datasets]
    agent: Agent | None = stored.Agent if stored else None
    draft: Draft | None = stored.Draft if stored else None
    here = _same(session, agent, payload.revision.hash)
    newest = _newest(session, agent)
    body = payload.revision.body
    return ImportPlan(
        kind="create" if agent is None else "same" if here else "revision",
        agent=name,
        agent_id=_readable(principal, agent),
        number=here.number if here else (agent.last_revision if agent else 0) + 1,
        hash=payload.revision.hash,
        digest=checked.digest,
        signer=checked.signer,
        public_key=checked.public_key,
        environment=place.slug,
        missing=tuple(missing),
        differing=tuple(differing_in(session, place.id, payload.holes)),
        diff=diff(newest.body if newest else None, body),
        overwrites_draft=draft is not None and here is None and _is_edited(draft, newest),
        seen=(agent.last_revision, draft.version) if agent and draft else (0, 0),
    )


def import_bundle(
    session: Session,
    principal: Principal,
    data: bytes,
    *,
    environment: str | None = None,
    slug: str | None = None,
    allow_missing: bool = False,
    known_model: Known | None = None,
    seen: tuple[int, int] | None = None,
) -> Imported:
    """Freeze the revision of a bundle here. It serves nowhere by that.

    Args:
        allow_missing: import although bindings are missing. No environment that lacks one lets it go live.
        seen: the revision number and draft version of the plan that was read; None takes what is there.

    Raises:
        BundleRefused: the bundle does not hold.
        BindingsMissing: the environment lacks bindings; all of them are named.
        NotTheSame: this release would give the revision another hash.
        AgentExists: the agent changed since the plan was made.
    """
    plan = plan_import(session, principal, data, environment=environment, slug=slug, known_model=known_model)
    _, payload = checked_payload(session, principal, data)
    if seen is not None and seen != plan.seen:
        raise AgentExists(f"{plan.agent} changed since the plan was made. Nothing was imported; plan again.")
    if plan.kind == "same" and plan.agent_id is not None:
        row = session.scalars(
            select(Revision).where(Revision.agent_id == plan.agent_id, Revision.number == plan.number)
        ).one()
        return Imported("same", plan.agent, plan.agent_id, row.id, row.number, row.hash, ())
    if plan.lacks and not allow_missing:
        raise bindings_missing(plan.lacks, f"{plan.environment} lacks what {plan.agent} needs", "Nothing was imported.")
    return _frozen(session, principal, plan, payload)


def bindings_missing(lacks: tuple[Missing, ...] | list[Missing], words: str, end: str) -> BindingsMissing:
    """Return the refusal that names every binding."""
    names = ", ".join(dict.fromkeys(f"{one.kind} {one.name}" for one in lacks))
    return BindingsMissing(
        f"{words}: {shortened(names, 1_000)}. {end}", extra={"missing": [asdict(one) for one in lacks]}
    )


def _frozen(session: Session, principal: Principal, plan: ImportPlan, payload: Payload) -> Imported:
    agent_id = plan.agent_id or _created(session, principal, plan, payload)
    draft = session.get_one(Draft, agent_id, populate_existing=True)
    if plan.overwrites_draft:
        keep_refused_save(session, principal, agent_id, body=draft.body, version=draft.version)
    version = save_draft(session, principal, agent_id, body=payload.revision.body, version=draft.version)
    reason = payload.revision.reason.strip() or f"imported from {payload.provenance[0].instance.name}"
    # What exists here is the plan's business: it was frozen elsewhere, and its bindings may come later.
    frozen = freeze_revision(
        session, principal, agent_id, reason=shortened(reason, REASON_MAX), name=payload.revision.name, version=version,
        facts=NO_FACTS,
    )  # fmt: skip
    if frozen.hash != payload.revision.hash:
        raise NotTheSame(
            f"Here the revision would be {frozen.hash[:12]}…, in the bundle it is {payload.revision.hash[:12]}…. "
            "Nothing was imported."
        )
    _remember(session, principal, plan, payload, frozen.id)
    _note(session, principal, plan, payload, agent_id, frozen.id)
    return Imported(
        plan.kind, plan.agent, agent_id, frozen.id, frozen.number, frozen.hash, tuple(one.name for one in plan.lacks)
    )


def _created(session: Session, principal: Principal, plan: ImportPlan, payload: Payload) -> str:
    about = payload.agent
    try:
        return create_agent(
            session,
            principal,
            slug=plan.agent,
            name=about.name,
            description=about.description,
            tags=about.tags,
            body=payload.revision.body,
        )
    except SlugTaken as error:
        # When the plan was made there was none: of two at the same moment the other was first.
        raise AgentExists(
            f"Somebody imported or made {plan.agent} at this moment. Nothing was imported; import it again."
        ) from error


def _remember(session: Session, principal: Principal, plan: ImportPlan, payload: Payload, revision_id: str) -> None:
    session.add(
        RevisionOrigin(
            revision_id=revision_id,
            workspace_id=principal.workspace_id,
            bundle=plan.digest,
            public_key=plan.public_key,
            signer=plan.signer,
            chain=[link.model_dump(mode="json") for link in payload.provenance],
            datasets=[one.model_dump(mode="json") for one in payload.datasets],
            missing=[asdict(one) for one in plan.lacks],
            imported_by=principal.id,
            imported_by_name=principal.name,
            imported_at=clock.now(),
        )
    )
    session.flush()


def _place(session: Session, principal: Principal, environment: str | None) -> Environment:
    wanted = select(Environment).where(Environment.workspace_id == principal.workspace_id)
    if principal.environment_id:
        wanted = wanted.where(Environment.id == principal.environment_id)
    if environment is not None:
        wanted = wanted.where(Environment.slug == environment)
    row = session.scalars(wanted.order_by(Environment.position, Environment.is_production).limit(1)).one_or_none()
    if row is None:
        raise NotFound("There is no such environment in this workspace.")
    return row


def _readable(principal: Principal, agent: Agent | None) -> str | None:
    """Return the id of the agent that is there, when the caller may make a revision of it."""
    if agent is None:
        return None
    owners = (agent.owner_id, agent.backup_id)
    authorize(principal, "agent.edit", workspace_id=agent.workspace_id, owners=owners, agent_id=agent.id)
    return agent.id


def _same(session: Session, agent: Agent | None, content: str) -> Revision | None:
    """Return the newest revision of this content, if there is one."""
    if agent is None:
        return None
    wanted = select(Revision).where(Revision.agent_id == agent.id, Revision.number > 0, Revision.hash == content)
    return session.scalars(wanted.order_by(Revision.number.desc()).limit(1)).one_or_none()


def _newest(session: Session, agent: Agent | None) -> Revision | None:
    if agent is None:
        return None
    return session.scalars(
        select(Revision).where(Revision.agent_id == agent.id, Revision.number == agent.last_revision)
    ).one_or_none()


def _is_edited(draft: Draft, newest: Revision | None) -> bool:
    """Return whether the draft holds what nobody froze."""
    return newest is None or canonical_json(draft.body) != canonical_json(newest.body)


def _note(
    session: Session, principal: Principal, plan: ImportPlan, payload: Payload, agent_id: str, revision_id: str
) -> None:
    first = payload.provenance[0]
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="revision.imported",
        object_kind="agent",
        object_id=agent_id,
        detail={
            "revision": revision_id,
            "hash": plan.hash,
            "bundle": plan.digest,
            "signer": plan.signer,
            "from": {"instance": first.instance.id, "workspace": first.workspace, "number": first.revision},
            "missing": [one.name for one in plan.lacks],
        },
        revision_id=revision_id,
    )
