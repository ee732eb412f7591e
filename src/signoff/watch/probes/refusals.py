"""The ways this part of the room says no."""

from __future__ import annotations

from signoff.kit.errors import NotAllowed, NotNow


class CannotBeVouchedFor(NotNow):
    """The item is about safety, or is measured: nobody's word can stand in its place."""


class OwnRevision(NotAllowed):
    """Whoever wrote a revision does not vouch for it where much is at stake."""


class AlreadyVouched(NotNow):
    """Somebody's word stands for this item already. It is taken back first, or lapses."""


class PolicyChanged(NotNow):
    """Somebody set another policy since the caller looked. `extra` has the version that holds."""
