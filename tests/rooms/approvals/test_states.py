"""The states of a request, and nothing leads out of an answer."""

from __future__ import annotations

import pytest

from signoff.approvals.states import (
    APPROVAL_KINDS,
    APPROVAL_STATES,
    LEADS_TO,
    VERDICTS,
    is_open,
    may_answer,
    may_move,
)


@pytest.mark.parametrize("after", [state for state in APPROVAL_STATES if state != "pending"])
def test_a_request_that_waits_may_end_in_every_way_and_stays_there(after: str):
    assert may_move("pending", after)
    assert not any(may_move(after, other) for other in APPROVAL_STATES)


def test_only_what_waits_is_open():
    assert [state for state in APPROVAL_STATES if is_open(state)] == ["pending"]


@pytest.mark.parametrize("kind", APPROVAL_KINDS)
def test_every_kind_can_be_denied_and_answered_in_one_other_way(kind: str):
    assert may_answer(kind, "deny")
    assert sum(may_answer(kind, verdict) for verdict in VERDICTS) == 2
    assert set(LEADS_TO) == set(VERDICTS)
