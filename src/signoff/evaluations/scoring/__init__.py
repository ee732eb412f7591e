"""What a run on an example is worth: each evaluator's score between 0 and 1, with its reason, and their mean.

Pure: no database, no clock. A kind of evaluator is a file in `kinds/` and a line in `evaluator.py`.
"""

from signoff.evaluations.scoring.evaluator import (
    EVALUATOR_KINDS,
    Evaluator,
    EvaluatorKind,
    check_weight,
    read_settings,
)
from signoff.evaluations.scoring.observed import Call, Mark, Observed
from signoff.evaluations.scoring.weighing import Score, Scores, score

__all__ = [
    "EVALUATOR_KINDS",
    "Call",
    "Evaluator",
    "EvaluatorKind",
    "Mark",
    "Observed",
    "Score",
    "Scores",
    "check_weight",
    "read_settings",
    "score",
]
