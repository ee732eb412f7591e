"""The ways this room says no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signoff.agents.retired import RevisionRetired
from signoff.agents.signed_bundle import BindingsMissing
from signoff.deployments.refusals import GateMissing, LiveChanged
from signoff.kit.errors import NotNow, Refusal
from signoff.memories.refusals import MemoryScopeFixed


class GateNotMet(NotNow):
    """Evidence is missing, stale or says no. `extra["blockers"]` names each item, and what to do."""


class ReleaseUnderWay(NotNow):
    """Another release of the agent is under way in the environment. `extra` names it, who asked, and since when."""


class ReleaseMoved(NotNow):
    """The release moved on since the caller looked. `extra` says what it is now."""


class ReleaseOver(NotNow):
    """The release is in a state in which this cannot be done any more, or not yet."""


class ReviewersNeeded(NotNow):
    """The tier of the revision asks for signatures, and this way of asking waits for nobody."""


class NothingToSign(NotNow):
    """The release waits for no signature, or has this person's already."""


class DiffChanged(NotNow):
    """The diff that was signed is not the diff of what serves and the candidate as they are now."""


class NothingToRollBackTo(NotNow):
    """Nothing served here before that one could go back to."""


class OutsideRollbackWindow(NotNow):
    """The revision is not among the last that served here; it ships as a release, through the gate."""


class NotServedThere(NotNow):
    """The environment a promotion comes from serves another digest, or nothing. `extra` has both digests."""


class SmokeMissing(NotNow):
    """Nothing recent says that the revision works where it comes from. `extra["run"]` is the last run there."""


class RepinRefused(NotNow):
    """The waiting run cannot go on under the other revision. `extra["reasons"]` says why."""


_KINDS: dict[str, type[Refusal]] = {
    "bindings_missing": BindingsMissing,
    "gate_not_met": GateNotMet,
    "gate_missing": GateMissing,
    "live_changed": LiveChanged,
    "memory_scope_fixed": MemoryScopeFixed,
    "release_under_way": ReleaseUnderWay,
    "reviewers_needed": ReviewersNeeded,
    "revision_retired": RevisionRetired,
}


def refusal_for(code: str, detail: str, extra: Mapping[str, Any]) -> Refusal:
    """Return the refusal that a refused release stands for: it was kept with its reason, and now the caller is told."""
    kind = _KINDS.get(code, NotNow)
    return kind(detail, extra=extra, code=code)
