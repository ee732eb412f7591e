"""What the page of the policy shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.people.access import Principal, can
from signoff.watch.probes.policies import PolicyFacts, PolicySet, policy_versions, present_policy

_VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class PolicyView:
    """The page. `text`: what stands in the field; `tried`: what it would change, None: nobody asked."""

    now: PolicyFacts
    text: str
    reason: str
    versions: tuple[PolicyFacts, ...]
    may_set: bool
    tried: PolicySet | None = None
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def faults(self) -> list[str]:
        """Return every fault of the file, with its place."""
        return [
            f"{path}: {text}" if path not in ("text", "policy") else text
            for path, texts in self.errors.items()
            for text in texts
            if path != "reason"
        ]


def load(
    session: Session,
    viewer: Principal,
    *,
    text: str | None = None,
    reason: str = "",
    tried: PolicySet | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> PolicyView:
    """Return the view.

    Raises:
        NotAllowed: the viewer may not see the workspace.
    """
    now = present_policy(session, viewer)
    return PolicyView(
        now=now,
        text=now.text if text is None else text,
        reason=reason,
        versions=tuple(policy_versions(session, viewer, size=_VERSIONS_SHOWN).rows),
        may_set=can(viewer, "workspace.manage"),
        tried=tried,
        problem=problem,
        errors=errors or {},
    )
