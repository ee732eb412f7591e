"""The verbs of requests to people."""

from signoff.approvals.actions.absences import come_back, go_away
from signoff.approvals.actions.acknowledge import acknowledge
from signoff.approvals.actions.decide import Decided, decide
from signoff.approvals.actions.delegate import delegate
from signoff.approvals.actions.expire import expire
from signoff.approvals.actions.request import Wanted, request_approval
from signoff.approvals.actions.saved import remove_view, save_view
from signoff.approvals.actions.withdraw import withdraw_for_run

__all__ = [
    "Decided",
    "Wanted",
    "acknowledge",
    "come_back",
    "decide",
    "delegate",
    "expire",
    "go_away",
    "remove_view",
    "request_approval",
    "save_view",
    "withdraw_for_run",
]
