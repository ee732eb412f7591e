"""Do the connections stand where they should, as whom, with how much, and do they work?"""

from __future__ import annotations

import re

from signoff.connections.privilege import may_write
from signoff.watch.probes.facts import Binding, ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, no, nothing, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed

_LINKS = ("/agents/{agent}/tools", "/connections?environment={environment}")
_TRIAL = re.compile(r"(?:^|[.-])(?:sandbox|staging|stage|test|testing|dev|demo|uat|preprod)(?:[.-]|$)", re.IGNORECASE)
_DEAD = ("needs_login", "refresh_failed", "revoked")
NONE = "The revision uses no connection."


def _bound(facts: ProbeFacts, rule: Rule) -> Answer:
    slots = [slot.slot for slot in facts.body.tools]
    if not slots:
        return yes(NONE)
    lacking = [name for name in slots if name not in facts.bindings]
    off = [name for name in slots if name in facts.bindings and facts.bindings[name].state != "active"]
    wanted = [f"{slot.slot}.{one.tool}" for slot in facts.body.tools for one in slot.allow]
    granted = facts.granted
    unusable = [
        f"{name} ({granted[name].state if name in granted else 'not there'})"
        for name in wanted
        if name.partition(".")[0] in facts.bindings and (name not in granted or granted[name].state != "accepted")
    ]
    if lacking or off or unusable:
        parts = [f"no connection {listed(lacking)}"] if lacking else []
        parts += [f"switched off: {listed(off)}"] if off else []
        parts += [f"tools that cannot be called: {listed(unusable)}"] if unusable else []
        return no(f"{facts.environment}: {'; '.join(parts)}.")
    return yes(
        f"{counted(len(slots), 'connection')} bound in {facts.environment}, with {counted(len(wanted), 'tool')}."
    )


def _not_broken(facts: ProbeFacts, rule: Rule) -> Answer:
    used = _used(facts)
    if not used:
        return yes(NONE)
    broken = [f"{one.slot}: {one.last_error or 'the last attempt failed'}" for one in used if one.health == "broken"]
    broken += [f"{one.slot}: login {one.login.state}" for one in used if one.login and one.login.state in _DEAD]
    return verdict(not broken, f"{listed(broken)}." if broken else "None is known to fail.")


def _checked(facts: ProbeFacts, rule: Rule) -> Answer:
    used = _used(facts)
    if not used:
        return yes(NONE)
    moments = [one.checked_at for one in used if one.health == "ok" and one.checked_at is not None]
    if len(moments) < len(used):
        unseen = [one.slot for one in used if one.health != "ok" or one.checked_at is None]
        return nothing(f"Nobody has seen these work: {listed(unseen)}.")
    return yes(f"{counted(len(used), 'connection')} worked when last tried.", min(moments))


def _right_environment(facts: ProbeFacts, rule: Rule) -> Answer:
    used = _used(facts)
    if not used:
        return yes(NONE)
    if not facts.is_production:
        return yes(f"{facts.environment} is not production.")
    shared = [f"{one.slot} (as in {listed(one.same_as)})" for one in used if one.same_as]
    trial = [f"{one.slot} ({one.address})" for one in used if _TRIAL.search(one.address)]
    parts = [f"leads where another environment's does: {listed(shared)}"] if shared else []
    parts += [f"an address that reads like a trial's: {listed(trial)}"] if trial else []
    return verdict(not parts, f"{'; '.join(parts)}." if parts else f"{counted(len(used), 'connection')} of their own.")


def _service_accounts(facts: ProbeFacts, rule: Rule) -> Answer:
    personal = [
        f"{one.slot} ({one.login.who or 'somebody'})"
        for one in _used(facts)
        if one.login and one.login.principal == "personal"
    ]
    personal += [f"{name} ({one.owner or 'somebody'})" for name, one in facts.secrets.items()
                 if one.principal == "personal"]  # fmt: skip
    return verdict(not personal, f"Personal: {listed(personal)}." if personal else "None is anybody's own.")


def _least_privilege(facts: ProbeFacts, rule: Rule) -> Answer:
    wide: list[str] = []
    for one in _used(facts):
        if one.login is None:
            continue
        granted, asked = set(one.login.scopes_granted), set(one.login.scopes_asked)
        writing = sorted(scope for scope in granted if may_write(scope))
        if writing and _effects(facts, one.slot) <= {"read"}:
            wide.append(f"{one.slot} is only read, and may {listed(writing)}")
        elif asked and granted - asked:
            wide.append(f"{one.slot} was given {listed(sorted(granted - asked))} unasked")
    return verdict(not wide, f"{'; '.join(wide)}." if wide else "No login reaches further than its tools need.")


def _granted_is_used(facts: ProbeFacts, rule: Rule) -> Answer:
    acting = sorted(name for name, tool in facts.granted.items() if tool.effect != "read")
    if not acting:
        return yes("The revision may only read.")
    if not facts.finished:
        return nothing("The revision has not run, so nobody knows what it needs.")
    idle = [name for name in acting if name not in facts.used]
    newest = facts.finished[0].ended_at
    words = f"Never called: {listed(idle)}." if idle else f"Each of {counted(len(acting), 'tool')} was called."
    return verdict(not idle, words, newest)


def _refresh_works(facts: ProbeFacts, rule: Rule) -> Answer:
    logins = [(one.slot, one.login) for one in _used(facts) if one.login is not None]
    if not logins:
        return yes("No connection signs in by OAuth.")
    ending = [slot for slot, login in logins if login.expires_at is not None and not login.can_refresh]
    if ending:
        return no(f"These end and cannot be refreshed: {listed(ending)}.")
    untried = [slot for slot, login in logins if login.expires_at is not None and login.last_refreshed_at is None]
    if untried:
        return nothing(f"Never refreshed so far: {listed(untried)}.")
    moments = [login.last_refreshed_at for _, login in logins if login.last_refreshed_at is not None]
    return yes(f"{counted(len(logins), 'login')} refreshed, or without end.", min(moments, default=None))


def _used(facts: ProbeFacts) -> list[Binding]:
    return [facts.bindings[slot.slot] for slot in facts.body.tools if slot.slot in facts.bindings]


def _effects(facts: ProbeFacts, slot: str) -> set[str]:
    return {tool.effect for name, tool in facts.granted.items() if name.partition(".")[0] == slot}


PROBES = (
    Probe(
        "connections.bound", "Every connection is there, with its tools", ("deploy:9", "promote:129"),
        "Each slot has a connection in this environment that is on, and each tool the revision may call is accepted.",
        "Create the connection under the slot's name, switch it on, accept its tools; or take it out of the revision.",
        _bound, _LINKS,
    ),
    Probe(
        "connections.not_broken", "No connection is known to fail", ("deploy:9", "checklist:30", "week:14"),
        "The last attempt of no connection failed, and no login is lost.",
        "Look at the connection's page for the diagnosis; authorise it again, or correct it, and test it.",
        _not_broken, _LINKS,
    ),
    Probe(
        "connections.checked", "Every connection was seen to work", ("deploy:9",),
        "Each connection answered not long ago.", "Test each connection on its page.", _checked, _LINKS,
    ),
    Probe(
        "connections.right_environment", "Production talks to production", ("promote:22",),
        "No connection of production leads to a system another environment uses, or to a trial's address.",
        "Give production a connection to the production system, with an account of its own.",
        _right_environment, _LINKS,
    ),
    Probe(
        "connections.service_accounts", "It acts as a service, not as a person", ("promote:23", "promote:129",
        "promote:131", "promote:217"), "No login and no secret is one person's own.",
        "Authorise the connection with a service account; share the secret or enter the service's.",
        _service_accounts, ("/connections?environment={environment}", "/secrets"),
    ),
    Probe(
        "connections.least_privilege", "Logins reach no further than needed", ("promote:24",),
        "No login may write where the revision only reads, and none was given more than it asked for.",
        "Ask for fewer scopes on the connection's page and authorise it again.", _least_privilege, _LINKS,
    ),
    Probe(
        "connections.granted_is_used", "Every tool that acts is used", ("promote:24",),
        "Each tool that is not a read was called by some run of this revision.",
        "Take the tools that are never called out of the revision, or try the case that needs them.",
        _granted_is_used, ("/agents/{agent}/tools",),
    ),
    Probe(
        "connections.refresh_works", "Token refresh works", ("checklist:21",),
        "Each login that ends has been refreshed before.",
        "Refresh the login on the connection's page once, before it has to by itself.", _refresh_works, _LINKS,
    ),
)  # fmt: skip
