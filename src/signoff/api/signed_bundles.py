"""Signed bundles: take a revision away, check one, bring one in, say whose are taken; and promoting in a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.signed_bundle import (
    Check,
    Imported,
    ImportPlan,
    KeyFacts,
    Missing,
    Provenance,
    check_bundle,
    distrust_key,
    export_bundle,
    import_bundle,
    plan_import,
    provenance_of,
    trust_key,
    trusted,
    trusted_keys,
)
from signoff.api.answers import Done, Made, answer
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Desk, Id
from signoff.api.kept_refusals import made_or_refused, told
from signoff.api.revisions import RevisionName
from signoff.api.shapes import Body, Name, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.connections.signing import signer_for
from signoff.connections.vault import Vault
from signoff.deployments.actions import environment_for
from signoff.deployments.queries import live_revision
from signoff.gateways.model.knowledge import model_knowledge
from signoff.gateways.model.providers.naming import provider_keys
from signoff.kit.redact import Redactor
from signoff.people.access import Principal, authorize
from signoff.releases import actions
from signoff.releases.strategy import read_strategy

router = make_router("bundles")

_Text = Annotated[str, Field(max_length=5_000_000, description="The bundle's text, exactly as the file holds it.")]
_REVISION = r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$"

# What is in it is told by the reference page of bundles; its bytes matter more than its fields.
_BUNDLE: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"type": "string"}, "digest": {"type": "string"}, "payload": {"type": "object"}},
    "required": ["kind", "digest", "payload"],
}


class BundleText(Body):
    """A bundle to check."""

    bundle: _Text


class BundleImport(Body):
    """A bundle to bring in. With `dry_run`, nothing is written and the answer says what would be."""

    bundle: _Text
    environment: Annotated[
        SlugText | None, Field(description="Whose bindings are looked at; the first if left out.")
    ] = None
    slug: Annotated[SlugText | None, Field(description="Another name for the agent here.")] = None
    allow_missing: Annotated[
        bool, Field(description="Freeze it although bindings are missing; it goes live only where none is.")
    ] = False
    dry_run: bool = False


class TrustKey(Body):
    """The public key of another installation, and what to call it."""

    public_key: Annotated[str, Field(max_length=200, description="32 bytes in base64.")]
    name: Name


class Promote(Body):
    """From where to where. No source: the environment before; no revision: what serves there."""

    to: SlugText
    source: SlugText | None = None
    revision: Annotated[str, Field(pattern=_REVISION)] | None = None
    reason: Annotated[Reason, Field(min_length=1)]
    strategy: Annotated[dict[str, Any] | None, Field(description="As for a release.")] = None


@dataclass(frozen=True, slots=True)
class BundleChecked:
    """What checking found: each check by name, and whose bundle of what it is."""

    is_good: bool
    checks: list[Check]
    digest: str
    key_id: str
    signer: str
    agent: str
    hash: str


@dataclass(frozen=True, slots=True)
class BundleImported:
    """The plan, and what was made; nothing on a dry run."""

    kind: str
    agent: str
    number: int
    hash: str
    digest: str
    signer: str
    environment: str
    missing: list[Missing]
    differing: list[Missing]
    overwrites_draft: bool
    imported: Imported | None


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The keys whose bundles are taken: the installation's own first."""

    items: list[KeyFacts]


@router.get(
    "/v1/{workspace}/agents/{agent}/revisions/{revision}/bundle",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": _BUNDLE}}}},
)
async def download_bundle(desk: AtDesk, agent: AgentName, revision: RevisionName) -> Response:
    """The revision as a signed bundle. Keep its bytes as they are: one more or less, and it is refused."""
    made = await desk.write(
        export_bundle,
        desk.house.services.vault,
        agent,
        revision,
        instance=desk.settings.address,
        also_secret=[Redactor(provider_keys(desk.settings))],
    )
    headers = {
        "Content-Disposition": f'attachment; filename="{made.file_name}"', "Cache-Control": "no-store",
        "ETag": f'"{made.digest}"',
    }  # fmt: skip
    return Response(made.data, 200, headers, "application/json")


@router.get("/v1/{workspace}/agents/{agent}/revisions/{revision}/provenance", response_model=Provenance)
async def revision_provenance(desk: AtDesk, agent: AgentName, revision: RevisionName) -> Response:
    """Where a revision came from: frozen, imported, promoted; where, when and by whom."""
    return answer(await desk.read(provenance_of, agent, revision))


@router.post("/v1/{workspace}/bundles:verify", response_model=BundleChecked)
async def verify_bundle(desk: AtDesk, body: BundleText) -> Response:
    """Check a bundle: form, digest, revision, provenance, signature, signer. Nothing is kept."""
    return answer(await desk.read(_checked, body.bundle))


def _checked(session: Session, viewer: Principal, text: str) -> BundleChecked:
    authorize(viewer, "agent.read")
    found = check_bundle(text.encode("utf-8", "replace"), trusted(session, viewer.workspace_id))
    payload = found.payload
    return BundleChecked(
        found.is_good, list(found.checks), found.digest, found.key_id, found.signer,
        payload.agent.slug if payload else "", payload.revision.hash if payload else "",
    )  # fmt: skip


@router.post("/v1/{workspace}/bundles:import", response_model=BundleImported)
async def import_signed_bundle(desk: AtMakingDesk, body: BundleImport) -> Response:
    """Freeze the revision of a bundle here, with the hash it has there. It serves nowhere by that."""
    if body.dry_run:
        return answer(await desk.read(_planned, desk, body))

    def work(session: Session, principal: Principal) -> BundleImported:
        return _imported(session, principal, desk, body)

    return answer(await desk.make("bundle.import", body.model_dump(mode="json"), work))


def _asked(desk: Desk, body: BundleImport) -> dict[str, Any]:
    knowledge = model_knowledge(desk.house.services.providers, desk.house.services.prices)
    return {"environment": body.environment, "slug": body.slug, "known_model": knowledge.known_model}


def _planned(session: Session, principal: Principal, desk: Desk, body: BundleImport) -> BundleImported:
    return _told(plan_import(session, principal, body.bundle.encode("utf-8", "replace"), **_asked(desk, body)), None)


def _imported(session: Session, principal: Principal, desk: Desk, body: BundleImport) -> BundleImported:
    data = body.bundle.encode("utf-8", "replace")
    plan = plan_import(session, principal, data, **_asked(desk, body))
    made = import_bundle(session, principal, data, allow_missing=body.allow_missing, **_asked(desk, body))
    return _told(plan, made)


def _told(plan: ImportPlan, made: Imported | None) -> BundleImported:
    return BundleImported(
        plan.kind, plan.agent, plan.number, plan.hash, plan.digest, plan.signer, plan.environment, list(plan.missing),
        list(plan.differing), plan.overwrites_draft, made,
    )  # fmt: skip


@router.get("/v1/{workspace}/bundle-keys", response_model=TrustedKeys)
async def bundle_keys(desk: AtDesk) -> Response:
    """The keys whose bundles are taken. The first is this installation's: give it to those who are to trust it."""
    return answer(await desk.write(_keys, desk.house.services.vault))


def _keys(session: Session, viewer: Principal, vault: Vault) -> TrustedKeys:
    authorize(viewer, "agent.read")
    # Made when it is first asked for.
    signer_for(session, vault)
    return TrustedKeys(trusted_keys(session, viewer))


@router.post("/v1/{workspace}/bundle-keys", response_model=Made, status_code=201)
async def trust_bundle_key(desk: AtMakingDesk, body: TrustKey) -> Response:
    """Take bundles signed with a key from now on. Compare it first, over another way than the bundle came."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=trust_key(session, principal, public_key=body.public_key, name=body.name))

    return answer(await desk.make("bundle.trust", body.model_dump(mode="json"), work), 201)


@router.delete("/v1/{workspace}/bundle-keys/{trusted_key}", response_model=Done)
async def distrust_bundle_key(desk: AtDesk, trusted_key: Id) -> Response:
    """Take no more bundles signed with a key. What was imported stays."""
    await desk.write(distrust_key, trusted_key)
    return answer(Done())


@router.post("/v1/{workspace}/agents/{agent}:promote", response_model=Made, status_code=201)
async def promote_agent(desk: AtMakingDesk, agent: AgentName, body: Promote) -> Response:
    """Ask for the release of what serves one environment in another: the same digest, or it is refused."""
    strategy = read_strategy(body.strategy) if body.strategy is not None else None
    seen = await desk.read(_serving, agent, body.to)

    def work(session: Session, principal: Principal) -> dict[str, Any]:
        made = actions.promote_revision(
            session, principal, agent, to=body.to, source=body.source, revision=body.revision, reason=body.reason,
            strategy=strategy, expected=seen,
        )  # fmt: skip
        refusal = actions.refusal_of(session, made)
        if refusal is not None:
            refusal.extra["release"] = made
        return told(refusal or made)

    made = await desk.make("agent.promote", {"agent": agent, **body.model_dump(mode="json")}, work)
    return answer(Made(id=made_or_refused(made)), 201)


def _serving(session: Session, viewer: Principal, agent: str, environment: str) -> str | None:
    found = agent_for(session, viewer, agent, "agent.deploy")
    return live_revision(session, found.id, environment_for(session, viewer, environment).id)
