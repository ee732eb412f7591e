"""A release on trial: its revision tries what was answered, after the answer, and acts on nothing.

A pair is the run that was answered and the shadow of it. `asking` begins one and `ending` compares, each once, from
messages the runs leave; people judge the differences. Nothing here can delay or change an answer.
"""

from signoff.releases.shadow.asking import begin_pair
from signoff.releases.shadow.ending import end_pair
from signoff.releases.shadow.judging import PairJudgement, judge_pair
from signoff.releases.shadow.progress import ShadowFinding, shadow_days, shadow_finding
from signoff.releases.shadow.queries import Agreement, PairDetail, PairFilter, PairRow, agreement, pair, pairs_page

__all__ = [
    "Agreement",
    "PairDetail",
    "PairFilter",
    "PairJudgement",
    "PairRow",
    "ShadowFinding",
    "agreement",
    "begin_pair",
    "end_pair",
    "judge_pair",
    "pair",
    "pairs_page",
    "shadow_days",
    "shadow_finding",
]
