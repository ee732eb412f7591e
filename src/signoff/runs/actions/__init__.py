"""Everything that changes a run."""

from signoff.runs.actions.cancel import CANCEL, acknowledge_run, cancel_run
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
from signoff.runs.actions.settle import resume_when_settled, settle_effect

__all__ = [
    "CANCEL",
    "START",
    "acknowledge_run",
    "cancel_run",
    "complete_run",
    "end_cancelled",
    "end_leg",
    "fail_run",
    "reject_run",
    "request_run",
    "resume_run",
    "resume_when_settled",
    "settle_effect",
    "start_leg",
    "take_leg",
    "wait_run",
]
