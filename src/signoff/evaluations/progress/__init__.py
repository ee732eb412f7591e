"""How an evaluation goes on: begun, its examples run a few at a time, each scored when its run is over, and ended.

Each step is one transaction that holds the evaluation's row, asked for by a message of the step before; a second time
changes nothing. So a worker that dies anywhere leaves what another one takes up.
"""

from signoff.evaluations.progress.begin import begin_evaluation
from signoff.evaluations.progress.ended import end_evaluated
from signoff.evaluations.progress.lanes import NEXT, start_next

__all__ = ["NEXT", "begin_evaluation", "end_evaluated", "start_next"]
