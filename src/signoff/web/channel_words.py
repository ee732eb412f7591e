"""How pages call the ways by which people are told, and when."""

from __future__ import annotations

KIND_WORDS = {"mail": "Mail", "slack": "Slack", "teams": "Microsoft Teams", "pagerduty": "PagerDuty", "webhook": "JSON"}
PACES = (("at_once", "At once"), ("hourly", "Gathered, each hour"), ("daily", "Gathered, each morning at eight"))
CHANNEL_KINDS = (
    ("slack", "Slack, by an incoming webhook"),
    ("teams", "Microsoft Teams, by a workflow's address"),
    ("pagerduty", "PagerDuty, by an integration key"),
    ("webhook", "Any address that takes JSON"),
)
