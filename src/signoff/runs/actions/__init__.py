"""Everything that changes a run."""

from signoff.runs.actions.cancel import CALLED_OFF, CANCEL, acknowledge_run, cancel_run
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
from signoff.runs.actions.moves import SHADOW_ENDED
from signoff.runs.actions.raising import raise_cap
from signoff.runs.actions.request import START, mask_run, request_run
from signoff.runs.actions.settle import answer_hold, resume_when_answered, settle_effect
from signoff.runs.actions.shadow import SHADOW, request_shadow
from signoff.runs.actions.stop import STOP, cancel_matching, finish_stop, stop_agent, stop_some

__all__ = [
    "CALLED_OFF",
    "CANCEL",
    "SHADOW",
    "SHADOW_ENDED",
    "START",
    "STOP",
    "acknowledge_run",
    "answer_hold",
    "cancel_matching",
    "cancel_run",
    "complete_run",
    "end_cancelled",
    "end_leg",
    "fail_run",
    "finish_stop",
    "mask_run",
    "raise_cap",
    "reject_run",
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
]
