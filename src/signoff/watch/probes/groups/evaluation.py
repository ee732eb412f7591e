"""How good is it? Evaluations on golden datasets are not there yet; these items say so until they are."""

from __future__ import annotations

from signoff.watch.probes.probe import unmeasured

_FIX = "Compare by hand and vouch for it, until evaluations measure it."

PROBES = (
    unmeasured(
        "evaluation.golden", "It does as well on the golden dataset as what serves", ("deploy:7",),
        "Scores match or beat those of the live revision, with no critical case worse.", _FIX,
    ),
    unmeasured(
        "evaluation.baseline", "There is a baseline", ("checklist:42", "deploy:37"),
        "The live revision has scores on a holdout set, measured again on a schedule.", _FIX,
    ),
    unmeasured(
        "evaluation.pipeline", "Evaluation runs by itself", ("checklist:41",),
        "Evaluations run without anybody's hand for every revision.", _FIX,
    ),
    unmeasured(
        "evaluation.scorecard", "A weekly scorecard is ready", ("checklist:43",),
        "Each week's numbers are gathered for whoever answers for the agent.", _FIX,
    ),
    unmeasured(
        "evaluation.feedback", "Feedback is collected", ("checklist:44",),
        "Whoever gets the agent's results can say that one is wrong.", _FIX,
    ),
)  # fmt: skip
