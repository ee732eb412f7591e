"""What people say to a pair: would the candidate have been better, the same, or worse?"""

from __future__ import annotations

from typing import Literal, get_args

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.record import audit
from signoff.releases.shadow.rights import release_for
from signoff.tables.releases import ShadowPair

PairJudgement = Literal["better", "same", "worse"]
PAIR_JUDGEMENTS: tuple[PairJudgement, ...] = get_args(PairJudgement)


def judge_pair(session: Session, principal: Principal, release_id: str, run_id: str, judgement: PairJudgement) -> None:
    """Say how the candidate did beside what was answered. It stands; only who said it may change it.

    Raises:
        NotFound, NotAllowed: the caller has no such pair, or may not see the runs or edit the agent.
        NotNow: it is not compared yet, or somebody else has judged it: `extra` says who and when.
        Malformed: there is no such judgement.
    """
    release = release_for(session, principal, release_id, "run.read", "agent.edit")
    if judgement not in PAIR_JUDGEMENTS:
        words = f"must be one of {', '.join(PAIR_JUDGEMENTS)}"
        raise Malformed(f"The judgement {words}.", errors={"judgement": [words]})
    judged = session.execute(
        update(ShadowPair)
        .where(
            ShadowPair.release_id == release.id,
            ShadowPair.run_id == run_id,
            ShadowPair.state == "compared",
            or_(ShadowPair.judged_by.is_(None), ShadowPair.judged_by == principal.id),
        )
        .values(
            judgement=judgement, judged_by=principal.id, judged_by_name=principal.name, judged_at=clock.now()
        )
        .returning(ShadowPair.run_id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if not judged:
        raise _why_not(session, release.id, run_id)
    audit.write(
        session, workspace_id=release.workspace_id, actor=principal.actor, action="release.pair_judged",
        object_kind="release", object_id=release.id, detail={"run": run_id, "judgement": judgement},
    )  # fmt: skip


def _why_not(session: Session, release_id: str, run_id: str) -> NotFound | NotNow:
    pair = session.get(ShadowPair, (release_id, run_id), populate_existing=True)
    if pair is None:
        return NotFound("There is no such pair in this release.")
    if pair.judged_by is None or pair.judged_at is None:
        return NotNow(f"This pair is {pair.state}: there is nothing to judge.", code="not_compared")
    who, when = pair.judged_by_name or pair.judged_by, pair.judged_at
    return NotNow(
        f"{who} judged this pair on {when:%Y-%m-%d at %H:%M} UTC: {pair.judgement}. That stands.",
        code="judged_already",
        extra={"by": who, "at": when.isoformat(), "judgement": pair.judgement},
    )
