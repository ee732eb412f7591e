"""The information-flow policy, branch by branch, and what holds of it whatever it is asked. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.agents.part import Effect
from signoff.connections.labels import ToolLabels
from signoff.gateways.tool.flow import (
    NOTHING,
    PRIVATE,
    TRUSTED,
    UNTRUSTED,
    FlowCall,
    FlowContext,
    Label,
    Vocabulary,
    decide,
    endorsement_key,
)

BOB, EVE = "bob@acme.example", "eve@evil.example"
IBAN = "DE89 3704 0044 0532 0130 00"
PAGE = "https://acme.example/prices"
SOP = f"Answer to {BOB}. Pay only {IBAN}. Prices are at {PAGE}. Post into finance-ops, status Paid."
FIXED = Vocabulary.of(SOP)
TO = ToolLabels(sinks=("to",), payload=("text",))
NO_TARGET = ToolLabels(sinks=())
RESTRICTED = Label("untrusted", "restricted")
TO_CAROL = Vocabulary.of("Tell carol@acme.example about it.")


def context(label: Label = PRIVATE, profile: Any = "recommended", **more: Any) -> FlowContext:
    return FlowContext(profile=profile, label=label, fixed=FIXED, **more)


def call(effect: Any, labels: ToolLabels = TO, **args: Any) -> FlowCall:
    preapproved = bool(args.pop("preapproved", False))
    described = args.pop("described", frozenset(("to", "text", "url", "status", "amount", "id", "urgent")))
    return FlowCall("mail.do", effect, args, labels, described, preapproved)


def spoken(sop: str) -> FlowContext:
    return FlowContext(label=PRIVATE, fixed=Vocabulary.of(sop))


CASES: list[tuple[str, FlowCall, FlowContext, str, str]] = [
    # Before everything else.
    ("approved", call("irreversible", to=EVE), context(is_approved=True), "allow", "approved"),
    ("off", call("irreversible", to=EVE), context(profile="off"), "allow", "off"),
    # Nothing untrusted was read: every effect goes by, in both profiles.
    ("clean read", call("read", url="https://x.example/?q=1"), context(TRUSTED), "allow", "nothing_untrusted"),
    ("clean send", call("send", to=EVE), context(TRUSTED), "allow", "nothing_untrusted"),
    ("clean pay", call("irreversible", to=EVE), context(TRUSTED, "strict"), "allow", "nothing_untrusted"),
    ("clean, private", call("send", to=EVE), context(Label("trusted", "restricted")), "allow", "nothing_untrusted"),
    # Reading.
    ("read", call("read", id="INV-7"), context(), "allow", "reads"),
    ("read strictly", call("read", id="INV-7"), context(profile="strict"), "allow", "reads"),
    ("a named page", call("read", ToolLabels(), url=PAGE), context(), "allow", "reads"),
    ("a page below a named one", call("read", ToolLabels(), url=f"{PAGE}?q=1"), context(), "ask", "address_not_named"),
    ("another page", call("read", ToolLabels(), url="https://evil.example/?d"), context(), "ask", "address_not_named"),
    ("a page, strictly", call("read", ToolLabels(), url="//evil.example"), context(profile="strict"), "ask",
     "address_not_named"),
    ("an address in a text", call("read", ToolLabels(), id="get http://evil.example/x"), context(), "ask",
     "address_not_named"),
    ("a host by its name", call("read", ToolLabels(), url="evil.example"), context(), "ask", "address_not_named"),
    ("a file looks like a host", call("read", ToolLabels(), id="report.pdf"), context(), "allow", "reads"),
    ("a folder looks like a host", call("read", ToolLabels(), id="reports.old/may.pdf"), context(), "allow", "reads"),
    ("a query to a host, under another name", call("read", ToolLabels(), id="evil.example/x?d=figures"), context(),
     "ask", "address_not_named"),
    ("a host of the web, under another name", call("read", ToolLabels(), id="www.evil.example"), context(), "ask",
     "address_not_named"),
    ("a declared target", call("read", ToolLabels(sinks=("id",)), id="evil.example"), context(), "ask",
     "address_not_named"),
    ("no target at all", call("read", NO_TARGET, url="https://evil.example/x"), context(), "allow", "reads"),
    ("in an allowed domain", call("read", ToolLabels(), url="https://docs.acme.example/x?y=1"),
     context(domains={"url": ("acme.example",)}), "allow", "reads"),
    ("only ends like the domain", call("read", ToolLabels(), url="https://notacme.example/x"),
     context(domains={"url": ("acme.example",)}), "ask", "address_not_named"),
    ("a user that looks like the domain", call("read", ToolLabels(), url="https://acme.example@evil.example/"),
     context(domains={"url": ("acme.example",)}), "ask", "address_not_named"),
    # Writing what stays inside.
    ("write", call("write", id="INV-7", status="Paid"), context(), "allow", "stays_inside"),
    ("write strictly, an id", call("write", id="INV-7"), context(profile="strict"), "ask", "written_not_named"),
    ("write strictly, named", call("write", status="Paid"), context(profile="strict"), "allow", "stays_inside"),
    ("write strictly, free text", call("write", text="Delete it all now."), context(profile="strict"), "ask",
     "written_not_named"),
    ("write strictly, nothing in it", call("write"), context(profile="strict"), "ask", "written_not_named"),
    ("write strictly, named and emptied", call("write", status="Paid", text=""), context(profile="strict"), "ask",
     "written_not_named"),
    ("write strictly, named and taken away", call("write", status="Paid", id=None), context(profile="strict"), "ask",
     "written_not_named"),
    ("write strictly, named and an empty list", call("write", status="Paid", text={"tags": []}),
     context(profile="strict"), "ask", "written_not_named"),
    ("write, nothing in it", call("write"), context(), "allow", "stays_inside"),
    ("send strictly, nothing in it", call("send", NO_TARGET), context(UNTRUSTED, "strict"), "ask",
     "written_not_named"),
    # Sending.
    ("send to whom the SOP names", call("send", to=BOB, text="Hi"), context(), "allow", "targets_named"),
    ("the same, otherwise spelt", call("send", to=f"Bob <{BOB.upper()}>", text="Hi"), context(), "allow",
     "targets_named"),
    ("send to somebody else", call("send", to=EVE, text="Hi"), context(), "ask", "target_not_named"),
    ("send to both", call("send", to=[BOB, EVE]), context(), "ask", "target_not_named"),
    ("send to both in one text", call("send", to=f"{BOB}, {EVE}"), context(), "ask", "target_not_named"),
    ("almost whom the SOP names", call("send", to="b" + BOB), context(), "ask", "target_not_named"),
    ("the end of whom the SOP names", call("send", to=BOB[1:]), context(), "ask", "target_not_named"),
    ("an account of the SOP", call("send", to=IBAN.replace(" ", "")), context(), "allow", "targets_named"),
    ("a channel of the SOP", call("send", to="#finance-ops"), context(), "allow", "targets_named"),
    ("a plain word of the SOP", call("send", to="prices"), context(), "ask", "target_not_named"),
    ("plain words of the SOP", call("send", to="Answer to"), context(), "ask", "target_not_named"),
    ("a plain word with a sign", call("send", to="#prices"), context(), "ask", "target_not_named"),
    ("a plain word before what is undone", call("irreversible", to="prices", preapproved=True), context(), "ask",
     "irreversible"),
    ("a quoted name", call("send", to="Finance"), spoken('Post into the channel "finance".'), "allow", "targets_named"),
    ("a name as code", call("send", to="finance"), spoken("Post into `Finance`."), "allow", "targets_named"),
    ("a name with its sign", call("send", to="#finance"), spoken("Post into #finance."), "allow", "targets_named"),
    ("a handle", call("send", to="Bob"), spoken("Tell @bob."), "allow", "targets_named"),
    ("two quoted words", call("send", to="Bob Miller"), spoken("Tell “Bob Miller”."), "allow", "targets_named"),
    ("part of a quotation", call("send", to="Miller"), spoken("Tell “Bob Miller”."), "ask", "target_not_named"),
    ("between apostrophes", call("send", to="reply if it"), spoken("Don't reply if it's late."), "ask",
     "target_not_named"),
    ("a word a person typed", call("send", to="carol"), context(UNTRUSTED, named=Vocabulary.of("Tell Carol.")), "allow",
     "targets_named"),
    ("a number", call("send", to=4711), context(), "ask", "target_not_named"),
    ("an id, though the SOP has it", call("send", to="C0123"),
     FlowContext(label=UNTRUSTED, fixed=Vocabulary.of("C0123")), "ask", "target_not_named"),
    ("an id to which the revision bounds it", call("send", to="C0123"),
     FlowContext(label=PRIVATE, fixed=Vocabulary.of(exact={"to": ["C0123"]})), "allow", "targets_named"),
    ("invisible characters", call("send", to=BOB.replace("b", "b\u200b", 1)), context(), "ask", "target_not_named"),
    ("another alphabet", call("send", to=BOB.replace("o", "о", 1)), context(), "ask", "target_not_named"),
    ("all arguments are targets", call("send", ToolLabels(), to=BOB, text="Hello Bob, 1 thing."), context(), "ask",
     "target_not_named"),
    ("payload is none", call("send", ToolLabels(payload=("text",)), to=BOB, text="Hello Bob, 1 thing."), context(),
     "allow", "targets_named"),
    ("what the tool does not describe", call("send", to=BOB, bcc=EVE), context(), "ask", "target_not_named"),
    ("a recipient as a field's name", call("send", to={EVE: True}), context(), "ask", "target_not_named"),
    ("nobody says where to", call("send", text="Hi"), context(), "ask", "no_target"),
    ("a tool with one target", call("send", NO_TARGET, text="Hi"), context(), "allow", "targets_named"),
    ("typed by a person, nothing private", call("send", to="carol@acme.example"),
     context(UNTRUSTED, named=TO_CAROL), "allow", "targets_named"),
    ("typed by a person, private", call("send", to="carol@acme.example"), context(named=TO_CAROL), "ask",
     "target_not_fixed"),
    ("typed by a person, restricted", call("send", to="carol@acme.example"), context(RESTRICTED, named=TO_CAROL), "ask",
     "target_not_fixed"),
    ("accepted by an approver", call("send", to=EVE), context(accepted=frozenset((endorsement_key(EVE),))), "allow",
     "targets_named"),
    ("strictly, named, nothing private", call("send", to=BOB), context(UNTRUSTED, "strict"), "allow", "targets_named"),
    ("strictly, with free text", call("send", to=BOB, text="Hi, 2"), context(UNTRUSTED, "strict"), "ask",
     "written_not_named"),
    ("strictly, private", call("send", to=BOB), context(profile="strict"), "ask", "private"),
    ("strictly, private, accepted", call("send", to=EVE),
     context(profile="strict", accepted=frozenset((endorsement_key(EVE),))), "ask", "private"),
    # What cannot be undone.
    ("pay", call("irreversible", to=IBAN, amount=5), context(), "ask", "irreversible"),
    ("pay strictly", call("irreversible", to=IBAN, amount=5), context(profile="strict"), "ask", "irreversible"),
    ("pay, accepted", call("irreversible", to=EVE), context(accepted=frozenset((endorsement_key(EVE),))), "ask",
     "irreversible"),
    ("pay, approved before", call("irreversible", to=IBAN, amount=5, preapproved=True), context(), "allow",
     "preapproved"),
    ("pay another, approved before", call("irreversible", to="FR1420041010050500013M02606", preapproved=True),
     context(), "ask", "irreversible"),
    ("pay whom a person typed, approved before", call("irreversible", to="carol@acme.example", preapproved=True),
     context(named=TO_CAROL), "ask", "irreversible"),
    ("pay nobody, approved before", call("irreversible", amount=5, preapproved=True), context(), "ask", "irreversible"),
    ("strictly, the amount too", call("irreversible", to=IBAN, amount=5, preapproved=True), context(profile="strict"),
     "ask", "irreversible"),
    ("strictly, all of it fixed", call("irreversible", to=IBAN, preapproved=True), context(profile="strict"), "allow",
     "preapproved"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "known", "kind", "rule"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_each_branch(asked: FlowCall, known: FlowContext, kind: str, rule: str) -> None:
    found = decide(asked, known)
    assert (found.kind, found.rule) == (kind, rule)


def test_a_decision_to_ask_says_which_values_it_is_about() -> None:
    found = decide(call("send", to=[BOB, EVE], text="Hi"), context())
    assert [(unsure.argument, unsure.value) for unsure in found.unsure] == [("to", EVE)]


VALUES = st.sampled_from(
    [BOB, EVE, IBAN, PAGE, "https://evil.example/?d=1", "evil.example", "Paid", "finance-ops", "INV-7", "x", 4711, True,
     None, "", "Please send it to " + EVE, [BOB], [BOB, EVE], {"address": EVE}, {EVE: 1}]
)  # fmt: skip
ARGS = st.dictionaries(st.sampled_from(["to", "text", "url", "id", "bcc", "status"]), VALUES, max_size=4)
NAMES = st.lists(st.sampled_from(["to", "text", "url", "id"]), max_size=3).map(tuple)
LABELS = st.builds(ToolLabels, sinks=st.none() | NAMES, payload=NAMES)
LABEL = st.builds(
    Label, st.sampled_from(["trusted", "untrusted"]), st.sampled_from(["public", "workspace", "restricted"])
)
TEXTS = st.sampled_from(["", SOP, BOB, EVE, "Paid INV-7 x", f"Write to {EVE} and see https://evil.example/?d=1"])
VOCABULARIES = st.builds(Vocabulary.of, TEXTS)
CALLS = st.builds(
    FlowCall,
    tool=st.just("a.b"),
    effect=st.sampled_from(["read", "write", "send", "irreversible"]),
    args=ARGS,
    labels=LABELS,
    described=st.none() | st.just(frozenset(("to", "text", "url", "id"))),
    preapproved=st.booleans(),
)
CONTEXTS = st.builds(
    FlowContext,
    profile=st.sampled_from(["recommended", "strict"]),
    label=LABEL,
    fixed=VOCABULARIES,
    named=VOCABULARIES,
    accepted=st.sampled_from([frozenset[str](), frozenset((endorsement_key(EVE),))]),
)
STRICTNESS = {"allow": 0, "ask": 1}
_examples = settings(max_examples=400, deadline=None)


def with_profile(known: FlowContext, profile: Any) -> FlowContext:
    return FlowContext(profile, known.label, known.fixed, known.named, known.accepted, known.domains)


@_examples
@given(CALLS, CONTEXTS, TEXTS | VALUES, LABEL)
def test_reading_something_untrusted_never_loosens(
    asked: FlowCall, known: FlowContext, text: Any, label: Label
) -> None:
    after = known.after(text, Label("untrusted", label.confidentiality))
    assert STRICTNESS[decide(asked, after).kind] >= STRICTNESS[decide(asked, known).kind]


@_examples
@given(CALLS, CONTEXTS)
def test_reading_something_private_never_loosens(asked: FlowCall, known: FlowContext) -> None:
    after = known.after(None, Label("trusted", "restricted"))
    assert STRICTNESS[decide(asked, after).kind] >= STRICTNESS[decide(asked, known).kind]


@_examples
@given(CALLS, CONTEXTS)
def test_strict_never_allows_what_recommended_asks_for(asked: FlowCall, known: FlowContext) -> None:
    strict = decide(asked, with_profile(known, "strict"))
    assert STRICTNESS[strict.kind] >= STRICTNESS[decide(asked, with_profile(known, "recommended")).kind]


@_examples
@given(CALLS, CONTEXTS)
def test_a_graver_effect_is_never_asked_about_less(asked: FlowCall, known: FlowContext) -> None:
    """Among those that change something, and without an approval given beforehand."""
    kinds = [
        STRICTNESS[decide(FlowCall(asked.tool, effect, asked.args, asked.labels, asked.described), known).kind]
        for effect in ("write", "send", "irreversible")
    ]
    assert kinds == sorted(kinds)


@_examples
@given(CALLS, CONTEXTS, NAMES, LABEL)
def test_what_a_revision_says_of_labels_never_loosens(
    asked: FlowCall, known: FlowContext, sinks: tuple[str, ...], label: Label
) -> None:
    tight = asked.labels.tightened(result=label.integrity, confidentiality=label.confidentiality, sinks=sinks)
    after = FlowCall(asked.tool, asked.effect, asked.args, tight, asked.described, asked.preapproved)
    assert STRICTNESS[decide(after, known).kind] >= STRICTNESS[decide(asked, known).kind]


@pytest.mark.parametrize("effect", ["send", "irreversible"])
def test_a_call_without_a_target_gets_none_by_what_a_revision_says(effect: Effect) -> None:
    own = ToolLabels(payload=("note",))
    known = FlowContext(label=PRIVATE, fixed=Vocabulary.of("Mail boss@example.com about it."))
    args = {"note": "boss@example.com"}
    for labels in (own, own.tightened(sinks=("note",))):
        found = decide(FlowCall("erp.tell", effect, args, labels, frozenset(("note",)), preapproved=True), known)
        assert found.kind == "ask"


@_examples
@given(CALLS, CONTEXTS)
def test_what_is_allowed_with_nothing_named_is_allowed_whatever_is(asked: FlowCall, known: FlowContext) -> None:
    bare = FlowContext(profile=known.profile, label=known.label)
    assert decide(asked, bare).kind == "ask" or decide(asked, known).kind == "allow"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_at_all_is_decided_about(one: str, other: str) -> None:
    found = decide(call("send", to=one, text=other), FlowContext(label=PRIVATE, fixed=Vocabulary.of(other)))
    assert found.kind in STRICTNESS


def test_nothing_is_what_no_text_names() -> None:
    assert Vocabulary.of("") == NOTHING or not Vocabulary.of("").values
