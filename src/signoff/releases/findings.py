"""What a comparison says of a release under way: the one thing its next move depends on beside the clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from signoff.releases.states import Judgement


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out since the release's step began.

    Args:
        verdict: the candidate, or what went live, against what served before; None: nothing was compared yet.
        reason: the verdict in a sentence.
        runs: how many runs of the candidate it rests on, in this step.
        violation: an invariant that was broken, in a sentence: it goes back at once, whatever the verdict.
        is_shadow_done: whether there were pairs on enough days, and enough of them; None: it is no shadow.
        detail: the figures behind it, plain JSON, for the timeline.
    """

    verdict: Judgement | None = None
    reason: str = ""
    runs: int = 0
    violation: str | None = None
    is_shadow_done: bool | None = None
    detail: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_bad(self) -> bool:
        """Return whether the release must go back."""
        return self.verdict == "worse" or self.violation is not None


NOTHING = Findings()
