"""Effects happen in their hours; outside, the call is put off, and the run waits without holding anything."""

from __future__ import annotations

from signoff.agents.openings import HORIZON_DAYS, next_opening, zone_named
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.kit import clock
from signoff.runs.facts import RunContext


class Window:
    """Puts a call off to the next moment at which every window that applies to it is open."""

    name = "window"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `defer` to the next opening, `deny` when there is none, or `allow`."""
        run, asked = call
        windows = [one for one in run.body.rules.windows if one.applies_to(asked.slot, asked.tool, facts.effect)]
        if not windows:
            return ALLOW
        zones = [zone_named(one.zone or facts.standing.time_zone) for one in windows]
        known = [(window, zone) for window, zone in zip(windows, zones, strict=True) if zone is not None]
        moment = clock.now()
        opening = next_opening(known, moment) if len(known) == len(windows) else None
        if opening == moment:
            return ALLOW
        if opening is None:
            return Verdict(
                "deny",
                f"{asked.name} may only be called in its hours (rules.windows), and they do not come within "
                f"{HORIZON_DAYS} days.",
                code="window_never_opens",
            )
        there = opening.astimezone(known[0][1])
        when = f"{there:%A, %d %B %Y, %H:%M} ({known[0][1].key})"
        if run.mode != "live":
            # A rehearsal acts on nothing, so there is nothing to wait for.
            return Verdict("allow", f"The real call would be put off to {when}.", code="outside_window")
        return Verdict(
            "defer",
            f"{asked.name} may only be called in its hours (rules.windows). It is put off to {when}.",
            code="outside_window",
            value=opening,
        )
