"""`judge`: another agent of the workspace says how good the answer is. Its word comes with what was observed."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.settings import Settings

UNJUDGED = "The judge has not said anything of it."


class Judge(Settings):
    """Which agent judges, by one frozen revision, so that a judge who changes does not change old scores.

    Args:
        agent: its slug.
        revision: the number of its revision.
        criteria: what it is asked to look at, in words.
    """

    agent: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    revision: int = Field(ge=1, le=999_999_999)
    criteria: str = Field(default="", max_length=4_000)

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Return that nobody judged: what the judge said is taken by the evaluator's id before this is asked."""
        return Mark(None, UNJUDGED)
