"""Evaluations in words: schedules, triggers, and values as people read them."""

from __future__ import annotations

import json
from typing import Any

from signoff.evaluations.states import Trigger
from signoff.evaluations.views import ScheduleFacts
from signoff.kit.text import shortened

TRIGGERS: dict[Trigger, str] = {
    "by_hand": "By hand",
    "schedule": "By its schedule",
    "revision": "For each revision",
}


def schedule_words(schedule: ScheduleFacts | None) -> str:
    """Return when a dataset is evaluated by itself; nothing where it is not."""
    if schedule is None:
        return ""
    said: list[str] = []
    if schedule.every:
        said.append(f"every {schedule.every} at {schedule.at_hour:02d}:00")
    if schedule.is_of_each_revision:
        said.append("each new revision")
    return ", ".join(said)


def value_text(value: Any, limit: int) -> str:
    """Return a value as people read it, in at most `limit` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return shortened(text, limit)
