"""What a release under way tells beside its moves."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.releases.comparison import SplitView
from signoff.tables.agents import Agent
from signoff.tables.releases import Release
from signoff.watch.actions import raise_alert, resolve_by_key

SPLIT_BROKEN = "release_split_broken"


def tell_split(session: Session, release: Release, split: SplitView) -> None:
    """Raise an alert while a canary's traffic is not split as its steps say; resolve it once it is, or is over."""
    key = f"release:{release.id}:split"
    if not split.is_broken or release.state != "canary":
        resolve_by_key(session, release.workspace_id, key)
        return
    slug = session.scalar(select(Agent.slug).where(Agent.id == release.agent_id))
    raise_alert(
        session, release.workspace_id, key=key, kind=SPLIT_BROKEN, agent_id=release.agent_id,
        text=f"The canary of {slug}: {split.reason} Look at what starts it: one sticky key for everybody puts "
        "everybody on one side.",
        detail={"release": release.id},
    )  # fmt: skip
