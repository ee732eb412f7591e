"""The ways this room says no."""

from __future__ import annotations

from signoff.kit.errors import Malformed, NotNow


class StaleDraft(NotNow):
    """Somebody saved the draft since it was opened. `extra` holds `current` (version, body, who, when) and `yours`."""


class NothingToUndo(NotNow):
    """No earlier text of the draft is kept."""


class NothingToRedo(NotNow):
    """Nothing was undone since the draft was last saved."""


class NothingToResetTo(NotNow):
    """Nothing was frozen yet, or nothing serves where the draft should be reset to what serves."""


class NothingChanged(NotNow):
    """The draft equals the newest revision."""


class SlugTaken(NotNow):
    """Another agent of this workspace has this slug."""


class LintFailed(Malformed):
    """The draft has errors. `extra["findings"]` holds every finding, `errors` the sentences by path."""


class StalePlan(NotNow):
    """An agent changed between the plan and its application."""
