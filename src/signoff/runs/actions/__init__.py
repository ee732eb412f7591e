"""Everything that changes a run."""

from signoff.runs.actions.cancel import CALLED_OFF, CANCEL, acknowledge_run, cancel_run
from signoff.runs.actions.children import TooManyRuns, end_children, end_if_called_off, request_child, wake_parent
from signoff.runs.actions.legs import (
    complete_run,
    end_cancelled,
    end_leg,
    fail_run,
    reject_run,
    resume_run,
    start_leg,
    take_leg,
    wait_run,
)
from signoff.runs.actions.moves import CHILD_ENDED, EVALUATION_ENDED, PARENT_ENDED, SHADOW_ENDED
from signoff.runs.actions.raising import raise_cap
from signoff.runs.actions.request import START, mask_run, request_run
from signoff.runs.actions.settle import answer_hold, resume_when_answered, settle_effect
from signoff.runs.actions.shadow import SHADOW, request_shadow
from signoff.runs.actions.stop import STOP, cancel_matching, finish_stop, stop_agent, stop_some

__all__ = [
    "CALLED_OFF",
    "CANCEL",
    "CHILD_ENDED",
    "EVALUATION_ENDED",
    "PARENT_ENDED",
    "SHADOW",
    "SHADOW_ENDED",
    "START",
    "STOP",
    "TooManyRuns",
    "acknowledge_run",
    "answer_hold",
    "cancel_matching",
    "cancel_run",
    "complete_run",
    "end_cancelled",
    "end_children",
    "end_if_called_off",
    "end_leg",
    "fail_run",
    "finish_stop",
    "mask_run",
    "raise_cap",
    "reject_run",
    "request_child",
    "request_run",
    "request_shadow",
    "resume_run",
    "resume_when_answered",
    "settle_effect",
    "start_leg",
    "stop_agent",
    "stop_some",
    "take_leg",
    "wait_run",
    "wake_parent",
]
