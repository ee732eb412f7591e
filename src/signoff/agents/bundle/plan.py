"""What applying files would change, without changing anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.bundle.coming import with_files
from signoff.agents.bundle.files import AgentFile
from signoff.agents.bundle.seats import Held, SeatChange, named_in, seat_changes, seat_findings, seats_held
from signoff.agents.diff import FieldChange, RevisionDiff, as_text, diff
from signoff.agents.facts import gather
from signoff.agents.findings import Finding, has_errors, in_order
from signoff.agents.lint import LintFacts, lint
from signoff.agents.owners import members_by_email
from signoff.kit.canonical import canonical_json
from signoff.people.access import Principal, authorize
from signoff.tables.agents import Agent, Draft, Revision

Kind = Literal["create", "change", "same", "refused"]


@dataclass(frozen=True, slots=True)
class PlanItem:
    """What would become of one agent.

    Attributes:
        freezes: a new revision would be made.
        about: changes of name, description, people, tags.
        seats: changes of the seats other than owner and backup.
        overwrites_draft: the draft holds edits nobody froze; they would be kept among the refused saves.
        seen: the revision number and draft version the plan rests on.
    """

    file: AgentFile
    kind: Kind
    agent_id: str | None
    freezes: bool
    diff: RevisionDiff
    about: tuple[FieldChange, ...]
    findings: tuple[Finding, ...]
    owner_id: str | None
    backup_id: str | None
    overwrites_draft: bool
    seen: tuple[int, int]
    seats: tuple[SeatChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would become of every agent of a folder."""

    items: tuple[PlanItem, ...]
    facts: LintFacts

    @property
    def is_refused(self) -> bool:
        """Return whether an agent has errors; then nothing is applied."""
        return any(item.kind == "refused" for item in self.items)

    @property
    def is_empty(self) -> bool:
        """Return whether everything is stored already."""
        return all(item.kind == "same" for item in self.items)


@dataclass(frozen=True, slots=True)
class _Stored:
    agent: Agent
    draft: Draft
    revision: Revision | None
    held: Held


def plan(session: Session, principal: Principal, files: Iterable[AgentFile], *, facts: LintFacts | None = None) -> Plan:
    """Return what applying `files` would change. Nothing is written.

    Args:
        facts: what lint may know; None gathers it from this workspace.
    """
    authorize(principal, "agent.read")
    wanted = list(files)
    known = gather(session, principal) if facts is None else facts
    stored = _stored(session, principal, [file.slug for file in wanted])
    members = members_by_email(session, principal.workspace_id, [email for file in wanted for email in _people(file)])
    known = with_files(known, wanted)
    return Plan(tuple(_item(file, stored.get(file.slug), members, known) for file in wanted), known)


def _stored(session: Session, principal: Principal, slugs: list[str]) -> dict[str, _Stored]:
    rows = session.execute(
        select(Agent, Draft, Revision)
        .join(Draft, Draft.agent_id == Agent.id)
        .outerjoin(Revision, (Revision.agent_id == Agent.id) & (Revision.number == Agent.last_revision))
        .where(Agent.workspace_id == principal.workspace_id, Agent.slug.in_(slugs))
    )
    agents = rows.all()
    held = seats_held(session, principal.workspace_id, [row.Agent.id for row in agents])
    found = {row.Agent.slug: _Stored(row.Agent, row.Draft, row.Revision, held.get(row.Agent.id, {})) for row in agents}
    for stored in found.values():
        # A plan shows what would change, and with it the text there is.
        owners = (stored.agent.owner_id, stored.agent.backup_id)
        authorize(principal, "agent.read", owners=owners, agent_id=stored.agent.id)
    return found


def _item(file: AgentFile, stored: _Stored | None, members: dict[str, str], facts: LintFacts) -> PlanItem:
    owner_id, owner_findings = _member(file.owner, "owner", members, file)
    backup_id, backup_findings = _member(file.backup, "backup", members, file)
    # What could not be read at all has said so; that nothing is in it would only repeat it.
    linted = (
        []
        if not file.body and file.findings
        else lint(file.body, facts=replace(facts, own_agent=file.slug), lines=file.lines)
    )
    if _is_frozen(stored, file):
        # Nothing would be frozen, so nothing is refused: what was right when it was, may be missing here and now.
        linted = [one for one in linted if one.severity != "error"]
    findings = [*file.findings, *owner_findings, *backup_findings, *seat_findings(file, members), *linted]
    item = PlanItem(
        file=file,
        kind="refused",
        agent_id=stored.agent.id if stored else None,
        freezes=False,
        diff=diff(_before(stored), file.body),
        about=(),
        findings=tuple(in_order(findings)),
        owner_id=owner_id,
        backup_id=backup_id,
        overwrites_draft=False,
        seen=(stored.agent.last_revision, stored.draft.version) if stored else (0, 0),
    )
    if has_errors(findings):
        return item
    if stored is None:
        changes, _ = seat_changes(file, {}, members)
        return replace(item, kind="create", freezes=True, seats=changes)
    return _compared(item, stored, members)


def _is_frozen(stored: _Stored | None, file: AgentFile) -> bool:
    """Return whether the file says what the newest revision says, byte for byte after canonical form."""
    if stored is None or stored.revision is None:
        return False
    try:
        return Body.model_validate(file.body).hash == stored.revision.hash
    except ValidationError:
        return False


def _people(file: AgentFile) -> list[str]:
    named = [address for addresses in named_in(file).values() for address in addresses]
    return [email for email in (file.owner, file.backup, *named) if email]


def _compared(item: PlanItem, stored: _Stored, members: dict[str, str]) -> PlanItem:
    changes, told = seat_changes(item.file, stored.held, members)
    body = Body.model_validate(item.file.body)
    about = (*_about(item, stored.agent), *told)
    freezes = stored.revision is None or stored.revision.hash != body.hash
    draft = canonical_json(stored.draft.body)
    frozen = canonical_json(stored.revision.body) if stored.revision else None
    overwrites = freezes and draft not in (frozen, canonical_json(body.plain())) and not _same_as(stored, body)
    kind: Kind = "change" if freezes or about else "same"
    return replace(item, kind=kind, freezes=freezes, about=about, overwrites_draft=overwrites, seats=changes)


def _same_as(stored: _Stored, body: Body) -> bool:
    """Return whether the draft is, but for defaults left out, the newest revision or the new body."""
    frozen = stored.revision.body if stored.revision else None
    return any(other is not None and diff(other, stored.draft.body).is_empty for other in (frozen, body))


def _before(stored: _Stored | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    return stored.revision.body if stored.revision else stored.draft.body


def _about(item: PlanItem, agent: Agent) -> Iterable[FieldChange]:
    wanted: dict[str, Any] = {
        "name": item.file.name,
        "description": item.file.description,
        "tags": list(item.file.tags),
    }
    # A file that says nothing about people leaves them as they are.
    if item.file.owner:
        wanted["owner_id"] = item.owner_id
    if item.file.backup:
        wanted["backup_id"] = item.backup_id
    for name, value in wanted.items():
        before = getattr(agent, name)
        if before != value:
            yield FieldChange(name, "changed", before, value)


def _member(email: str | None, name: str, members: dict[str, str], file: AgentFile) -> tuple[str | None, list[Finding]]:
    if not email:
        return None, []
    found = members.get(email.strip().lower())
    if found:
        return found, []
    text = f"The {name} {email[:120]} is not an active member of this workspace."
    fix = "Invite them first, or name a member."
    return None, [Finding(f"unknown_{name}", "error", name, file.lines.get(name, 1), text, fix)]


def plan_text(found: Plan) -> str:
    """Return a plan for a terminal: one line per agent, its findings with file and line, its changes."""
    words = {"create": "would be created", "change": "would change", "same": "is unchanged", "refused": "is refused"}
    lines: list[str] = []
    for item in found.items:
        lines.append(f"{item.file.slug}: {words[item.kind]}" + (" (new revision)" if item.freezes else ""))
        for finding in item.findings:
            place = item.file.place_of(finding)
            lines.append(f"  {finding.severity} {place} [{finding.code}] {finding.text} {finding.fix}".rstrip())
        if item.overwrites_draft:
            lines.append("  warning: edits of the draft that nobody froze would be replaced; their text is kept.")
        lines += [f"  {change.path}: {change.old!r} becomes {change.new!r}" for change in item.about]
        if item.kind in ("create", "change") and not item.diff.is_empty:
            lines += [f"  {line}" for line in as_text(item.diff).split("\n")]
    return "\n".join(lines)
