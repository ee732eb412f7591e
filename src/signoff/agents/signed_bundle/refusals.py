"""The ways a bundle is refused."""

from __future__ import annotations

from signoff.kit.errors import Malformed, NotNow


class BundleRefused(Malformed):
    """The bundle does not hold. `errors` has each check that failed; nothing was imported."""


class BindingsMissing(NotNow):
    """The environment lacks what the revision needs. `extra["missing"]` names every binding."""


class NotTheSame(NotNow):
    """The revision would not have the hash here that it has in the bundle. Nothing was imported."""


class AgentExists(NotNow):
    """Since the plan was made, the agent or its draft changed. Nothing was imported."""
