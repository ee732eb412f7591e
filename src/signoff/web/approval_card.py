"""The card of a request: everything somebody decides by, and the forms they answer with. It stands in the inbox, in the
page of a run, and wherever else a request is answered; `components/approval_card.html` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from signoff.approvals.deliveries import DeliveryFacts, of_requests
from signoff.approvals.facts import ApprovalDetail, ApprovalRow
from signoff.approvals.states import is_open
from signoff.connections.queries import connection_by_slug
from signoff.kit.errors import Refusal
from signoff.kit.money import dollars
from signoff.people.access import Principal, can
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments, members
from signoff.web.approval_fields import ArgField, arg_fields, value_text
from signoff.web.approval_parts import mapping, mappings, moment, texts
from signoff.web.approval_words import DID, KINDS, badge_look, deadline_words, origin_words
from signoff.web.flash import Tone
from signoff.web.refused import NOT_REFUSED, Refused

_CHANGES_MAX = 60
_MEMBERS_MAX = 200
_KEPT_CHARS = 4_000
_TRUSTED = "trusted"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as a person reads it, and where it came from."""

    name: str
    text: str
    origin: str
    is_trusted: bool
    is_plain: bool
    is_cut: bool
    is_long: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """One argument before and after; None where it was not there."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """One question of an agent. Without options the answer is a text."""

    header: str
    question: str
    options: Sequence[str]
    is_multiple: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What an edit would change, checked; `args` is the whole of it as JSON."""

    changes: Sequence[Changed]
    args: str


@dataclass(frozen=True, slots=True)
class Card:
    """A request for one viewer. Addresses lie below the workspace.

    Args:
        place: where it stands: `inbox`, `run` or `link`; where answering it leads depends on that.
        path: where its forms post to.
        back: the list somebody came from, as a query.
        refused: the form that was refused, with what was typed.
        told: the messages about it, the oldest first.
        is_late: what the viewer sent came after somebody else's answer.
    """

    detail: ApprovalDetail
    place: str = "inbox"
    path: str = ""
    back: str = ""
    environment: str = ""
    arguments: Sequence[Argument] = ()
    changes: Sequence[Changed] = ()
    questions: Sequence[Question] = ()
    fields: Sequence[ArgField] = ()
    connection: str = ""
    connection_path: str = ""
    others: Sequence[tuple[str, str]] = ()
    told: Sequence[DeliveryFacts] = ()
    refused: Refused = NOT_REFUSED
    is_late: bool = False
    preview: Preview | None = None

    @property
    def id(self) -> str:
        """Return the request's id."""
        return self.detail.row.id

    @property
    def row(self) -> ApprovalRow:
        """Return its line in lists."""
        return self.detail.row

    @property
    def is_open(self) -> bool:
        """Return whether it still waits."""
        return is_open(self.detail.row.state)

    @property
    def may_acknowledge(self) -> bool:
        """Return whether the viewer may say that somebody sees to it: it is overdue, and theirs to give to somebody."""
        return self.is_open and self.row.is_degraded and self.detail.can_assign

    @property
    def seen(self) -> str:
        """Return what was seen of it: when this differs, something happened to it."""
        return f"{self.row.state}:{self.row.votes}"

    @property
    def kind_icon(self) -> str:
        """Return the icon of its kind."""
        return KINDS[self.row.kind].icon

    @property
    def heading(self) -> str:
        """Return its title; of a question that somebody asks: the questions stand below, each once."""
        if self.row.kind != "question" or not self.is_open or not self.questions:
            return self.row.title
        number = len(self.questions)
        return f"{self.row.agent_name} asks " + ("a question" if number == 1 else f"{number} questions")

    @property
    def shows_summary(self) -> bool:
        """Return whether the summary says what nothing else on the card does."""
        if self.row.kind != "question":
            return bool(self.row.summary)
        is_told = (self.is_open and self.questions) or self.answers
        return bool(self.row.summary) and not is_told and self.row.summary != self.row.title

    @property
    def badges(self) -> list[tuple[str, Tone, str]]:
        """Return what makes it grave, the gravest first."""
        return [badge_look(one) for one in self.row.badges]

    @property
    def untrusted(self) -> int:
        """Return how many arguments nobody vouches for."""
        return sum(not one.is_trusted for one in self.arguments)

    @property
    def endorsable(self) -> list[Argument]:
        """Return the arguments whose value may be accepted for the rest of the run."""
        names = set(texts(self.detail.card.get("endorsable")))
        return [one for one in self.arguments if one.name in names]

    @property
    def read_before(self) -> Sequence[Mapping[str, Any]]:
        """Return the calls whose results the agent had read."""
        return mappings(self.detail.card.get("read_before"))

    @property
    def similar(self) -> str:
        """Return how such requests ended before, as a sentence; empty when there were none."""
        found: Any = self.detail.card.get("similar") or {}
        approved, denied = int(found.get("approved") or 0), int(found.get("denied") or 0)
        if not approved and not denied:
            return ""
        return f"Of such requests of this agent, {approved:,} were approved and {denied:,} denied."

    @property
    def last_approved(self) -> tuple[str, datetime | None, str] | None:
        """Return the last one that was approved: its id, when, and by whom."""
        said = mapping(self.detail.card.get("last_approved"))
        if not said.get("id"):
            return None
        return str(said["id"]), moment(said.get("at")), str(said.get("by") or "somebody")

    @property
    def at_deadline(self) -> str:
        """Return what happens when nobody answers in time."""
        return deadline_words(self.detail.rule.get("on_deadline"))

    @property
    def needs_reason(self) -> bool:
        """Return whether a denial has to say why."""
        return self.detail.rule.get("denial_reason", "required") == "required"

    @property
    def reason_codes(self) -> list[str]:
        """Return the codes a denial may carry."""
        return texts(self.detail.rule.get("reason_codes"))

    @property
    def code_options(self) -> list[tuple[str, str]]:
        """Return the codes as a field offers them."""
        return [("", "None"), *((code, code) for code in self.reason_codes)]

    @property
    def did(self) -> str:
        """Return what whoever ended it did, after their name."""
        return DID.get(self.row.state, self.row.state)

    @property
    def decided_changes(self) -> list[Changed]:
        """Return what the approver changed."""
        return [_changed(one) for one in mappings(_decision(self.detail).get("changes"))[:_CHANGES_MAX]]

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Return each question with what was answered."""
        return [
            (str(one.get("question", "")), "\n".join([*texts(one.get("options")), *texts([one.get("text")])]))
            for one in mappings(_decision(self.detail).get("answers"))
        ]

    @property
    def endorsed(self) -> list[str]:
        """Return the arguments whose values were accepted for the rest of the run."""
        return texts(_decision(self.detail).get("endorsed"))

    @property
    def amount(self) -> str:
        """Return by how many dollars the budget was raised."""
        return dollars(_decision(self.detail).get("amount_usd"))

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Return what the viewer had written when somebody else was first, so that none of it is lost."""
        form = self.refused.form
        told = [("Reason", form.text("reason")), ("Amount", form.text("amount_usd"))]
        told += [(name, form.text(f"arg.{name}")) for name in form.names("arg.")]
        told += [("Arguments", form.text("args"))] + [(name, form.text(f"q.{name}")) for name in form.names("q.")]
        return [(name, text[:_KEPT_CHARS]) for name, text in told if text.strip()]

    @property
    def target(self) -> str:
        """Return what an answer replaces: in the inbox the pane, elsewhere the card."""
        return "#detail" if self.place == "inbox" else f"#card-{self.id}"

    def form(self, which: str) -> dict[str, Any]:
        """Return the attributes of one of its forms, apart from where it posts to."""
        swap = "innerHTML" if self.place == "inbox" else "outerHTML"
        return {
            "hx-target": self.target, "hx-swap": swap, "hx-disable": "findAll button", "hx-indicator": "#progress",
            "hx-status:422": f"target:#{which}-error-{self.id} swap:innerHTML",
            "hx-status:409": f"target:{self.target} swap:{swap}",
        }  # fmt: skip


def card_of(
    session: Session,
    viewer: Principal,
    detail: ApprovalDetail,
    *,
    place: str = "inbox",
    path: str = "",
    back: str = "",
    refused: Refused = NOT_REFUSED,
    is_late: bool = False,
    preview: Preview | None = None,
) -> Card:
    """Return the card of a request for this viewer."""
    places = environments(session, viewer)
    others = _others(session, viewer) if detail.can_assign else ()
    told = of_requests(session, [detail.row.id])
    found = _card(session, viewer, detail, places, others, told, place, path)
    return replace(found, back=back, refused=refused, is_late=is_late, preview=preview)


def cards_of(session: Session, viewer: Principal, details: Sequence[ApprovalDetail], *, place: str) -> list[Card]:
    """Return the cards of several requests, where they stand together."""
    if not details:
        return []
    places = environments(session, viewer)
    others = _others(session, viewer) if any(one.can_assign for one in details) else ()
    told = of_requests(session, [one.row.id for one in details])
    return [_card(session, viewer, one, places, others, told, place, "") for one in details]


def _card(
    session: Session,
    viewer: Principal,
    detail: ApprovalDetail,
    places: Sequence[EnvironmentFacts],
    others: Sequence[tuple[str, str]],
    told: Mapping[str, Sequence[DeliveryFacts]],
    place: str,
    path: str,
) -> Card:
    row = detail.row
    where = next((one for one in places if one.id == row.environment_id), None)
    slot, connection_path = _connection(session, viewer, detail, where.slug if where else "")
    asked = {one.member_id for one in detail.recipients}
    return Card(
        detail=detail, place=place, path=path or f"/inbox/{row.id}", environment=where.name if where else "",
        arguments=_arguments(detail),
        changes=[_changed(one) for one in mappings(detail.card.get("changes"))[:_CHANGES_MAX]],
        questions=_questions(detail), fields=arg_fields(detail.args, detail.input_schema) if detail.can_edit else (),
        connection=slot, connection_path=connection_path,
        others=[one for one in others if one[0] not in asked] if detail.can_assign else (),
        told=told.get(row.id, ()),
    )  # fmt: skip


def card_of_many(detail: ApprovalDetail) -> Card:
    """Return the card of a request among several, read-only: without what needs another look into the database."""
    return Card(detail=detail, arguments=_arguments(detail), questions=_questions(detail))


def preview_of(before: Any, after: Mapping[str, Any]) -> Preview:
    """Return what an edit would change, argument by argument."""
    old = mapping(before)
    found = [
        Changed(name, _side(old, name), _side(after, name))
        for name in sorted({*old, *after})
        if (name in old, old.get(name)) != (name in after, after.get(name))
    ]
    return Preview(found, value_text(dict(after)))


def _side(args: Mapping[str, Any], name: str) -> str | None:
    return value_text(args[name]) if name in args else None


def _arguments(detail: ApprovalDetail) -> list[Argument]:
    told = mappings(detail.card.get("arguments"))
    args = mapping(detail.args)
    if detail.row.kind in ("question", "login"):
        # What it asks stands on the card as questions, or as the connection and why.
        return []
    if not told and detail.row.kind == "approval":
        told = [{"name": name, "text": value_text(value)} for name, value in list(args.items())[:_CHANGES_MAX]]
    return [
        Argument(
            name=str(one.get("name", "")), text=str(one.get("text", "")), origin=origin_words(one.get("origin")),
            # What nobody vouches for is untrusted: also what the card does not speak of.
            is_trusted=one.get("label") == _TRUSTED, is_plain=bool(one.get("is_plain", True)),
            is_cut=bool(one.get("is_cut")), is_long=len(str(one.get("text", ""))) > 400,
        )
        for one in told
    ]  # fmt: skip


def _questions(detail: ApprovalDetail) -> list[Question]:
    return [
        Question(
            str(one.get("header") or ""), str(one.get("question") or ""), texts(one.get("options")),
            bool(one.get("is_multiple")),
        )
        for one in mappings(detail.card.get("questions"))
    ]  # fmt: skip


def _connection(session: Session, viewer: Principal, detail: ApprovalDetail, environment: str) -> tuple[str, str]:
    """Return the connection that needs a login, and where one signs it in; nothing for other kinds."""
    slot = str(detail.card.get("connection") or "") if detail.row.kind == "login" else ""
    if not slot or not environment:
        return slot, ""
    try:
        found = connection_by_slug(session, viewer, environment=environment, slug=slot)
    except Refusal:
        return slot, ""
    return slot, f"/connections/{found.row.id}/login"


def _others(session: Session, viewer: Principal) -> list[tuple[str, str]]:
    """Return to whom a request could be given: members, but for those who only look."""
    if not can(viewer, "member.read"):
        return []
    rest = [one for one in members(session, viewer, size=_MEMBERS_MAX).rows if one.role != "viewer"]
    return sorted(((one.id, f"{one.name} ({one.email})") for one in rest), key=lambda pair: pair[1].casefold())


def _changed(one: Mapping[str, Any]) -> Changed:
    before, after = one.get("before"), one.get("after")
    return Changed(
        str(one.get("name", "")),
        None if before is None else value_text(before),
        None if after is None else value_text(after),
    )


def _decision(detail: ApprovalDetail) -> Mapping[str, Any]:
    return mapping(detail.decision)
