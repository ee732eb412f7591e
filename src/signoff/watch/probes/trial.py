"""A policy for a place where one only tries: the gate tells, and holds nothing back but what is unsafe."""

from __future__ import annotations

import json

from signoff.watch.probes.evidence import TIERS
from signoff.watch.probes.policy import default_policy
from signoff.watch.probes.registry import BY_ID


def trial_policy(reason: str) -> str:
    """Return the policy file: no probe blocks but those of safety, and nobody signs, for this reason."""
    why = json.dumps(reason)
    signers = "\n".join(f"  {tier}: {{people: 0, reason: {why}}}" for tier in TIERS)
    rules = "\n".join(
        f"  {name}: {{block_from: never, elsewhere: false, reason: {why}}}"
        for name in default_policy().rules
        if not BY_ID[name].is_safety
    )
    return f"version: 1\nreviewers:\n{signers}\nprobes:\n{rules}\n"
