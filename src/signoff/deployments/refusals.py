"""The ways this room says no."""

from __future__ import annotations

from signoff.kit.errors import NotNow


class AlreadyLive(NotNow):
    """The revision serves this environment already."""


class GateMissing(NotNow):
    """The revision could do what cannot be undone with nobody asked, and the environment is production."""


class LiveChanged(NotNow):
    """Another revision went live since the caller looked. `extra` names it, who switched, and when."""


class RevisionInUse(NotNow):
    """The revision serves, or is on its way to. `extra["where"]` names the environments."""
