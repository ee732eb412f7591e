"""The postmortem as a document: what people wrote, and between it what is known, ready to be sent to others."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from signoff.incidents.queries import evidence_page, incident
from signoff.incidents.states import SEVERITY_WORDS
from signoff.incidents.views import Deploy, EvidenceRun, IncidentDetail, IncidentFacts, Postmortem, TaskFacts
from signoff.kit.visible import visible
from signoff.people.access import Principal, can

_RUNS_SHOWN = 50
_EMPTY = "(not written yet)"
_CAUGHT = {"yes": "Yes.", "no": "No.", "unknown": "Not known yet."}


def postmortem_text(session: Session, viewer: Principal, incident_id: str) -> str:
    """Return the postmortem of an incident as Markdown; before anybody wrote it, its template.

    Raises:
        NotFound: there is no such incident for the viewer.
        NotAllowed: the viewer may see none.
    """
    found = incident(session, viewer, incident_id)
    runs = evidence_page(session, viewer, incident_id, size=_RUNS_SHOWN).rows if can(viewer, "run.read") else ()
    return "\n".join(
        [
            *_head(found.facts),
            *_section("Impact", found.postmortem.impact),
            *_section("Cause", found.postmortem.cause),
            *_deploy(found.postmortem, found.served_seconds),
            *_runs(list(runs), found.runs),
            *_timeline(found),
            *_section("What was learnt", found.postmortem.lessons),
            *_tasks(found.tasks),
        ]
    )


def _head(one: IncidentFacts) -> list[str]:
    where = f"{_line(one.agent_name or '')} in {one.environment}" if one.agent else "the whole workspace"
    lines = [
        f"# {SEVERITY_WORDS[one.severity]}: {_line(one.title)}", "",
        f"- Where: {where}",
        f"- Severity: {SEVERITY_WORDS[one.severity]}. {_line(one.why_severity)}",
        f"- State: {one.state}",
        f"- Began: {_moment(one.began_at)}",
        f"- Opened: {_moment(one.opened_at)}, by {_line(one.opened_by_name)}",
    ]  # fmt: skip
    stamps = (
        ("Acknowledged", one.acknowledged_at, one.acknowledged_by_name),
        ("Mitigated", one.mitigated_at, one.mitigated_by_name),
        ("Resolved", one.resolved_at, one.resolved_by_name),
        ("Reviewed", one.reviewed_at, one.reviewed_by_name),
    )
    for name, at, by in stamps:
        if at is not None:
            later = _span((at - one.opened_at).total_seconds())
            lines.append(f"- {name}: {_moment(at)}, by {_line(by or '')}, {later} after it opened")
    return lines


def _section(title: str, text: str) -> list[str]:
    return ["", f"## {title}", "", visible(text).strip() or _EMPTY]


def _deploy(one: Postmortem, served_seconds: float | None) -> list[str]:
    found = one.deploy
    lines = ["", "## The deploy", ""]
    lines += _served(found, served_seconds) if found is not None else ["Nothing is known to have served when it began."]
    lines.append(_evaluated(one))
    if one.cases.added:
        seen = f"{len(one.cases.would_catch)} of them were seen to fail under what served then."
        lines.append(f"- Of its runs {one.cases.added} are cases of a dataset now; {seen}")
    lines.append(f"- Would a case have caught it? {_CAUGHT[one.caught]} {_line(one.caught_by)}".rstrip())
    return lines


def _evaluated(one: Postmortem) -> str:
    found = one.evaluation
    if found is None:
        return "- Evaluation at that time: none."
    said = {"promotable": "it may ship", "not_promotable": "it may not ship"}.get(found.verdict or "", "no verdict")
    score = "–" if found.score is None else f"{found.score:.2f}"
    return f"- Evaluation at that time: {found.id} on {_line(found.dataset)}: {said}, score {score}"


def _served(found: Deploy, seconds: float | None) -> list[str]:
    lines = [f"- Served when it began: revision {found.revision_number} ({found.revision_id})"]
    if found.release_id is None:
        lines.append("- It served as the first, without a release.")
    else:
        since = f", live for {_span(seconds)} by then" if seconds is not None else ""
        by = f", asked for by {_line(found.requested_by_name or '')}: {_line(found.reason or '')}"
        lines.append(f"- Release {found.release_id}{since}{by}")
    if found.candidate_release_id:
        lines.append(f"- Release {found.candidate_release_id} had a share of what was started.")
    return lines


def _runs(runs: list[EvidenceRun], count: int) -> list[str]:
    if not runs:
        return ["", "## Runs that show it", "", "None is attached."]
    lines = ["", "## Runs that show it", ""]
    lines += [
        f"- {run.id}, {run.state}{f' ({run.code})' if run.code else ''}, {_moment(run.created_at)}" for run in runs
    ]
    return lines if count <= len(runs) else [*lines, f"- and {count - len(runs)} more"]


def _timeline(found: IncidentDetail) -> list[str]:
    lines = [f"- {_moment(one.at)}, {_line(one.by)}: {_line(one.text)}" for one in found.timeline]
    return ["", "## Timeline", "", *lines]


def _tasks(tasks: tuple[TaskFacts, ...]) -> list[str]:
    lines = ["", "## What follows", ""]
    for one in tasks:
        who = f", {_line(one.owner_name)}" if one.owner_name else ""
        due = f", by {one.due_at:%Y-%m-%d}" if one.due_at else ""
        done = f", done by {_line(one.done_by_name or '')}" if one.done_at else ""
        lines.append(f"- [{'x' if one.done_at else ' '}] {_line(one.title)}{who}{due}{done}")
    return lines


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _line(text: str) -> str:
    return " ".join(visible(text).split())
