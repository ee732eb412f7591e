"""Whether traffic really is split as wanted: a broken split makes every comparison worthless. Pure.

A sequential test of counts, valid under any number of looks: a mixture of shares around the wanted one against it.
Lindon & Malek, "Anytime-Valid Inference For Multinomial Count Data", NeurIPS 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# A sound split is flagged in one release of a thousand.
FALSE_ALARM_MAX = 0.001
# How closely the mixture lies around the wanted share: as closely as that of a hundred keys would.
_KEYS = 100.0


@dataclass(frozen=True, slots=True)
class Step:
    """What was seen while the candidate had one share.

    Args:
        share: the part of the candidate that was wanted, from 0 to 1.
        candidate, live: distinct keys that came for the first time in this step. Runs of one key go to one side
            together, so counting runs would raise false alarms.
    """

    share: float
    candidate: int
    live: int


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether the split fits what was wanted.

    Args:
        evidence: the e-value against the split being as wanted.
    """

    is_broken: bool
    evidence: float
    reason: str


def sample_ratio(steps: Sequence[Step]) -> SampleRatio:
    """Compare the split of keys with the wanted one, over all steps of a release.

    Raises:
        ValueError: a share is not from 0 to 1, or a count is below zero.
    """
    total, keys, wanted, got = 0.0, 0, 0.0, 0
    for step in steps:
        if not 0 <= step.share <= 1 or min(step.candidate, step.live) < 0:
            raise ValueError(f"A share is from 0 to 1 and a count not below zero: {step}.")
        total += _log_e(step)
        keys += step.candidate + step.live
        wanted += step.share * (step.candidate + step.live)
        got += step.candidate
    is_broken = total >= math.log(1 / FALSE_ALARM_MAX)
    if not keys:
        return SampleRatio(False, 1.0, "No keys yet.")
    seen, planned = got / keys * 100, wanted / keys * 100
    reason = f"{got} of {keys} keys ({seen:.1f} %) went to the candidate; {planned:.1f} % was wanted"
    return SampleRatio(
        is_broken,
        math.exp(min(total, 700.0)),
        f"{reason}: the split is broken, and nothing can be told from it." if is_broken else f"{reason}.",
    )


def _log_e(step: Step) -> float:
    keys = step.candidate + step.live
    if step.share in (0, 1):
        astray = step.candidate if step.share == 0 else step.live
        return 700.0 if astray else 0.0
    first, second = _KEYS * step.share, _KEYS * (1 - step.share)
    mixture = (
        math.lgamma(first + step.candidate) - math.lgamma(first) + math.lgamma(second + step.live)
        - math.lgamma(second) + math.lgamma(_KEYS) - math.lgamma(_KEYS + keys)
    )  # fmt: skip
    return mixture - step.candidate * math.log(step.share) - step.live * math.log(1 - step.share)
