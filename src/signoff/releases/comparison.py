"""A release's revision, compared with what serves or served: each metric with its interval, a verdict, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.deployments.analysis.evidence import Pairs
from signoff.deployments.analysis.finding import Finding
from signoff.deployments.analysis.judgement import Judgement, judge
from signoff.deployments.analysis.measures import compare_measure
from signoff.deployments.analysis.metrics import METRICS, PAIRS, SCORE, Metric
from signoff.deployments.analysis.pairs import compare_pairs
from signoff.deployments.analysis.rates import compare_rate
from signoff.deployments.analysis.shares import SampleRatio
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.releases.blocks import (
    MEASURES,
    RATES,
    SETTLING,
    Block,
    canary_blocks,
    candidate_runs_since,
    watched_blocks,
    width_of,
)
from signoff.releases.breaches import breaches
from signoff.releases.findings import Findings
from signoff.releases.rows import shipment_for
from signoff.releases.shadow.judges import LONELY, only_authors_judged
from signoff.releases.shadow.progress import shadow_finding
from signoff.releases.split import share_steps, split_of
from signoff.releases.states import Judgement as Verdict
from signoff.releases.strategy import Canary, read_strategy
from signoff.tables.releases import Release, ShadowPair

NOT_MEASURED = "not measured"
# Compared, whatever becomes of it later, when its release is over.
_NOT_BEGUN = frozenset({"requested", "gated", "scheduled", "refused"})


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric, compared.

    Args:
        kind: `rate`, `ratio`, `level` or `pairs`.
        effect: the release's revision minus what it is compared with: of a rate and a level in parts of one, of a
            ratio the factor less one. None: too little was seen.
        low, high: where the effect is, at every look: each end is wrong with probability at most `alpha`.
        candidate_value, live_value: of a rate the share, of a cost dollars, of a duration seconds.
        is_guard: same or better takes that this is known to be no worse.
    """

    name: str
    kind: str
    verdict: Verdict
    sentence: str
    candidate_runs: int
    live_runs: int
    effect: float | None
    low: float | None
    high: float | None
    candidate_value: float | None
    live_value: float | None
    alpha: float
    is_guard: bool


@dataclass(frozen=True, slots=True)
class SplitView:
    """Whether the candidate gets the share it was given. Where the split is broken, nothing can be told."""

    is_broken: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known of a release by now.

    Args:
        since: from when on runs are compared; None: nothing is compared yet.
        candidate_runs, live_runs: how many runs are in the comparison; those of a stretch of time that is not over
            come with the next look.
        runs_in_step: how many of the release's runs ended since its step began.
        breaches: invariants that were broken.
    """

    release_id: str
    state: str
    verdict: Verdict
    reason: str
    since: datetime | None
    at: datetime
    candidate_runs: int
    live_runs: int
    runs_in_step: int
    metrics: tuple[MetricView, ...]
    breaches: tuple[str, ...]
    split: SplitView | None


def comparison_of(session: Session, viewer: Principal, release_id: str) -> Comparison:
    """Return what is known of a release, for whoever may read its agent.

    Raises:
        NotFound, NotAllowed: there is no such release here, or the viewer may not read its agent.
    """
    return compare(session, shipment_for(session, viewer, release_id, "agent.read").release, clock.now())


def compare(session: Session, release: Release, now: datetime) -> Comparison:
    """Compare a release's revision with what it is, or was, to take the place of."""
    way = read_strategy(release.strategy)
    steps = share_steps(session, release)
    if release.state in _NOT_BEGUN or (not steps and release.live_at is None and release.state != "shadow"):
        return _nothing(release, now)
    blocks = _blocks(session, release, way.canary, steps[0][0] if steps else None, now)
    findings = _findings(session, release, blocks)
    since = steps[0][0] if steps else release.live_at
    looked = since or release.step_since
    broken = breaches(session, release, looked) if looked is not None and not release.is_rollback else {}
    is_shadow = release.state == "shadow" and not broken
    judged = _of_shadow(findings) if is_shadow else judge(findings, broken)
    if release.state == "shadow" and only_authors_judged(session, release):
        judged = replace(judged, reason=f"{judged.reason} {LONELY}")
    split = split_of(session, release, way.canary, release.live_at or release.ended_at or now) if steps else None
    if split is not None and split.is_broken and judged.verdict in ("better", "same"):
        judged = Judgement("inconclusive", split.reason, judged.findings)
    return _view(session, release, judged, blocks, since or release.step_since, split, now)


def findings_for(session: Session, release: Release, now: datetime) -> tuple[Findings, SplitView | None]:
    """Return what the next move of a release depends on, and whether its traffic is split as wanted. For the engine."""
    found = compare(session, release, now)
    shadowed = shadow_finding(session, release).is_done if release.state == "shadow" else None
    if found.since is None:
        return Findings(is_shadow_done=shadowed), None
    violation = f"This must never happen, and did: {'; '.join(found.breaches)}." if found.breaches else None
    return (
        Findings(
            verdict=found.verdict,
            reason=found.reason,
            runs=found.runs_in_step,
            violation=violation,
            is_shadow_done=shadowed,
            detail={"metrics": {one.name: one.sentence for one in found.metrics}},
        ),
        found.split,
    )


def _blocks(
    session: Session, release: Release, canary: Canary | None, began: datetime | None, now: datetime
) -> Sequence[Block]:
    """One chain of evidence for the canary and the watch after it: a release errs once, not once for each."""
    until = (release.ended_at or now) - SETTLING
    blocks: list[Block] = []
    if canary is not None and began is not None:
        minutes = sum(canary.at(step)[1] for step in range(canary.length))
        end = min(release.live_at or until, until)
        blocks += canary_blocks(session, release, since=began, until=end, seconds=width_of(minutes))
    if release.live_at is not None and release.previous_revision_id is not None:
        blocks += watched_blocks(session, release, since=release.live_at, until=until)
    return blocks


def _findings(session: Session, release: Release, blocks: Sequence[Block]) -> list[Finding]:
    rates = [compare_rate(metric, [block.rate(metric) for block in blocks]) for metric in RATES]
    measures = [compare_measure(metric, [block.measure(metric) for block in blocks]) for metric in MEASURES]
    return [*rates, *measures, compare_pairs(PAIRS, _pairs(session, release))]


def _pairs(session: Session, release: Release) -> Pairs:
    """Return what people said of the shadow's answers; an equal one needs nobody's word."""
    is_lonely = only_authors_judged(session, release)
    rows = session.execute(
        select(ShadowPair.is_equal, ShadowPair.judgement, func.count())
        .where(ShadowPair.release_id == release.id, ShadowPair.state == "compared")
        .group_by(ShadowPair.is_equal, ShadowPair.judgement)
    )
    counts = {"better": 0, "worse": 0, "same": 0}
    for is_equal, judgement, number in rows:
        said = None if is_lonely and judgement in ("better", "same") else judgement
        said = said or ("same" if is_equal else None)
        if said in counts:
            counts[said] += number
    return Pairs(better=counts["better"], worse=counts["worse"], equal=counts["same"])


def _of_shadow(findings: Sequence[Finding]) -> Judgement:
    """A shadow has its pairs, and no runs of its own that anybody felt."""
    pairs = next(one for one in findings if one.metric is PAIRS)
    return Judgement(pairs.verdict, f"{pairs.sentence[:1].upper()}{pairs.sentence[1:]}.", tuple(findings))


def _nothing(release: Release, now: datetime) -> Comparison:
    return Comparison(
        release.id, release.state, "inconclusive", "Nothing is compared yet.", None, now, 0, 0, 0, (), (), None
    )


def _view(
    session: Session,
    release: Release,
    judged: Judgement,
    blocks: Sequence[Block],
    since: datetime | None,
    split: SampleRatio | None,
    now: datetime,
) -> Comparison:
    variant = "live" if release.live_at is not None else "candidate"
    in_step = candidate_runs_since(session, release, variant, release.step_since) if release.step_since else 0
    found: dict[Metric, Finding] = {one.metric: one for one in judged.findings}
    return Comparison(
        release_id=release.id,
        state=release.state,
        verdict=judged.verdict,
        reason=judged.reason,
        since=since,
        at=now,
        candidate_runs=sum(block.candidate.runs for block in blocks),
        live_runs=sum(block.live.runs for block in blocks),
        runs_in_step=in_step,
        metrics=tuple(_metric(found[metric]) for metric in METRICS if metric in found),
        breaches=judged.breaches,
        split=SplitView(split.is_broken, split.reason) if split is not None else None,
    )


def _metric(one: Finding) -> MetricView:
    # Of both sides: nobody gave a score, nobody judged a pair. That is not the same as too little.
    is_measured = one.candidate_runs + one.live_runs > 0 or one.metric not in (SCORE, PAIRS)
    return MetricView(
        one.metric.name, one.metric.kind, one.verdict, one.sentence if is_measured else NOT_MEASURED,
        one.candidate_runs, one.live_runs, one.effect,
        one.low, one.high, one.candidate_value, one.live_value, one.metric.alpha, one.metric.is_guard,
    )  # fmt: skip
