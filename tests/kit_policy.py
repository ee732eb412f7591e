"""A policy under which the gate tells and holds nothing back but what is unsafe: for tests of everything else."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.probes import ProbePolicy
from signoff.watch.probes.policy import policy_of, read_policy
from signoff.watch.probes.trial import trial_policy


def told_only() -> str:
    """Return the file."""
    return trial_policy("these tests are about something else")


def let_it_tell_only(session: Session, workspace_id: str) -> None:
    """Set that policy in a workspace, unless it has one."""
    if session.scalar(select(ProbePolicy.version).where(ProbePolicy.workspace_id == workspace_id).limit(1)):
        return
    text = told_only()
    session.add(
        ProbePolicy(
            workspace_id=workspace_id, version=1, text=text, digest=policy_of(read_policy(text)).digest,
            reason="tests of something else", author_id="mem_test", author_name="Test", at=clock.now(),
        )
    )  # fmt: skip
    session.flush()
