"""Named points at which a test may kill the process, to prove that nothing is lost or done twice.

Inert unless the environment says both SIGNOFF_TEST_BUILD=1 and SIGNOFF_FAULT="point:n"; then the n-th passage of
`point` is the last thing this process does.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Literal, get_args

Point = Literal[
    "claimed",
    "before-llm",
    "llm-answered-not-journaled",
    "journaled",
    "intent-journaled",
    "tool-sent",
    "tool-answered-not-journaled",
    "hold-decided",
    "approval-written",
    "hold-created",
    "child-made",
    "child-ended-not-told",
    "parent-woken-not-acked",
    "decision-written",
    "hold-settled-not-resumed",
    "leg-enqueued",
    "leg-started",
    "before-complete",
    "completed-not-acked",
    "shadow-asking",
    "shadow-asked-not-acked",
    "shadow-comparing",
    "shadow-compared-not-acked",
    "evaluation-beginning",
    "evaluation-begun-not-acked",
    "evaluation-starting",
    "evaluation-started-not-acked",
    "evaluation-scoring",
    "evaluation-ending",
    "evaluation-scored-not-acked",
    "release-requested",
    "release-signed",
    "release-gated",
    "release-scheduled",
    "release-shadow",
    "release-canary",
    "release-step",
    "release-switched",
    "release-live",
    "release-watching",
    "release-settled",
    "release-refused",
    "release-aborted",
    "release-rolled-back",
    "release-moved-not-told",
    "webhook-sent-not-noted",
    "incident-opening",
    "incident-opened-not-acked",
    "incident-told-not-acked",
]
POINTS: tuple[Point, ...] = get_args(Point)

_lock = threading.Lock()
_passages: dict[str, int] = {}


def faultpoint(point: Point) -> None:
    """Pass `point`; in a test build that asks for it, be killed here as a power cut would (no clean-up at all)."""
    wanted = _wanted()
    if wanted is None or wanted[0] != point:
        return
    with _lock:
        _passages[point] = _passages.get(point, 0) + 1
        if _passages[point] == wanted[1]:
            os.kill(os.getpid(), signal.SIGKILL)


def _wanted() -> tuple[str, int] | None:
    if os.environ.get("SIGNOFF_TEST_BUILD") != "1":
        return None
    name, _, number = os.environ.get("SIGNOFF_FAULT", "").partition(":")
    return (name, int(number or "1")) if name else None
