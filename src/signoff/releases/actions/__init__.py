"""Everything that changes a release, or what serves."""

from signoff.releases.actions.activated import Tried, keep_activations
from signoff.releases.actions.advancing import advance
from signoff.releases.actions.deciding import abort_release, promote_now
from signoff.releases.actions.drills import drill_for_real, drill_rollback
from signoff.releases.actions.moves import LOOK
from signoff.releases.actions.opening import refusal_of
from signoff.releases.actions.plain import make_live, promote, roll_back_now, ship, switch_live, try_live
from signoff.releases.actions.promoting import Promotion, plan_promotion, promote_revision
from signoff.releases.actions.repin import repin_run
from signoff.releases.actions.request import AS_IT_IS, AsItIs, request_release
from signoff.releases.actions.rollback import roll_back
from signoff.releases.actions.signing import sign_release
from signoff.releases.actions.taking_over import take_over_release

__all__ = [
    "AS_IT_IS",
    "LOOK",
    "AsItIs",
    "Promotion",
    "Tried",
    "abort_release",
    "advance",
    "drill_for_real",
    "drill_rollback",
    "keep_activations",
    "make_live",
    "plan_promotion",
    "promote",
    "promote_now",
    "promote_revision",
    "refusal_of",
    "repin_run",
    "request_release",
    "roll_back",
    "roll_back_now",
    "ship",
    "sign_release",
    "switch_live",
    "take_over_release",
    "try_live",
]
