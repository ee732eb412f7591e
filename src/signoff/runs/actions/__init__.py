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
from signoff.runs.actions.request import START, request_run
from signoff.runs.actions.settle import answer_hold, resume_when_answered, settle_effect

__all__ = [
    "CALLED_OFF",
    "CANCEL",
    "START",
    "acknowledge_run",
    "answer_hold",
    "cancel_run",
    "complete_run",
    "end_cancelled",
    "end_leg",
    "fail_run",
    "reject_run",
    "request_run",
    "resume_run",
    "resume_when_answered",
    "settle_effect",
    "start_leg",
    "take_leg",
    "wait_run",
]
