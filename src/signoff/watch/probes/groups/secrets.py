"""Are the secrets there, may the agent use them, and do they stay where they belong?"""

from __future__ import annotations

import re
from datetime import timedelta

from signoff.agents.lint.texts import SECRET
from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, attested, built_in, no, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed

_SECRETS = ("/secrets?environment={environment}",)
# The shapes of keys that providers give out, and what is written right after the word for one.
_KEY = re.compile(
    r"(?:\bsk-[A-Za-z0-9_-]{20,}|\bghp_[A-Za-z0-9]{30,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:password|api[_ -]?key|token)\s{0,3}[:=]\s{0,3}[A-Za-z0-9+/_-]{16,})",
    re.IGNORECASE,
)


def _exist(facts: ProbeFacts, rule: Rule) -> Answer:
    wanted = sorted({*facts.body.secrets, *SECRET.findall(facts.body.sop)})
    lacking = [name for name in wanted if name not in facts.secrets]
    closed = [name for name in wanted if name in facts.secrets and not facts.secrets[name].is_granted]
    over = [name for name in wanted if _is_over(facts, name)]
    if lacking or closed or over:
        parts = [f"not in {facts.environment}: {listed(lacking)}"] if lacking else []
        parts += [f"not granted to the agent: {listed(closed)}"] if closed else []
        parts += [f"run out: {listed(over)}"] if over else []
        # Its first letter only: the names stay as they are written.
        words = "; ".join(parts)
        return no(f"{words[0].upper()}{words[1:]}.")
    return yes(f"{counted(len(wanted), 'secret')} of the revision, each in {facts.environment}.")


def _is_over(facts: ProbeFacts, name: str) -> bool:
    found = facts.secrets.get(name)
    return found is not None and found.expires_at is not None and found.expires_at <= facts.now


def _last(facts: ProbeFacts, rule: Rule) -> Answer:
    soon = facts.now + timedelta(days=rule.bar)
    ending = [name for name, one in facts.secrets.items() if one.expires_at is not None and one.expires_at <= soon]
    words = f"These run out within {rule.bar_text} days: {listed(sorted(ending))}." if ending else "None runs out soon."
    return verdict(not ending, words)


def _not_in_text(facts: ProbeFacts, rule: Rule) -> Answer:
    # Where it stands is told, never what stands there.
    lines = [number for number, line in enumerate(facts.body.sop.split("\n"), start=1) if _KEY.search(line)]
    if lines:
        return no(f"The SOP holds what looks like a key, in line {listed(str(number) for number in lines)}.")
    return yes("Nothing in the SOP looks like a key.")


PROBES = (
    Probe(
        "secrets.exist", "Every secret is there", ("deploy:11", "runbook:21", "runbook:37"),
        "Each secret the revision lists or names is in this environment, granted to the agent, and not run out.",
        "Enter the secret on the connection it belongs to, and grant it to the agent.", _exist, _SECRETS,
    ),
    Probe(
        "secrets.last", "No secret runs out soon", ("deploy:11",),
        "No secret of the revision runs out within {threshold} days.", "Renew it with whoever gave it out.",
        _last, ("/secrets/expiring",), tighter="more",
    ),
    Probe(
        "secrets.not_in_text", "No credentials stand in the text", ("checklist:20",),
        "Nothing in the SOP looks like a key or a password.",
        "Store it as a secret, write {{secret.NAME}}, and have the old one replaced where it came from.",
        _not_in_text, ("/agents/{agent}/edit",),
    ),
    built_in(
        "secrets.not_told", "Nothing secret is written down", ("checklist:22",),
        "Secrets are masked in steps, messages and logs.",
        "Held for every agent: the tool gateway masks values on the way back, and logs hold no bodies.",
    ),
    attested(
        "secrets.database_credentials", "The database's credentials can be rotated", ("checklist:24",),
        "Whoever runs this installation can change them without a new deployment of it.",
    ),
)  # fmt: skip
