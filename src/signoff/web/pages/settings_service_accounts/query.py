"""What the pages of service accounts show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize, can
from signoff.people.account_queries import service_account, service_accounts
from signoff.people.actions.service_accounts import ACCOUNT_ROLES
from signoff.people.facts import KeyFacts, MemberFacts, ServiceAccountFacts
from signoff.people.key_queries import keys
from signoff.people.queries import environments, members
from signoff.web.forms import Form
from signoff.web.permission_words import ROLE_WORDS

# A choice of the form needs a word: browsers take an empty one for none.
ALL, NOBODY = "all", "-"
KEYS_SHOWN = 20
_LOOKS = {"active": "active", "disabled": "disabled"}


@dataclass(frozen=True, slots=True)
class Line:
    """One account of the list."""

    account: ServiceAccountFacts

    @property
    def path(self) -> str:
        """Return its address, below the workspace."""
        return f"/settings/keys/accounts/{self.account.slug}"

    @property
    def role(self) -> str:
        """Return its role's name."""
        return _role_name(self.account.role)

    @property
    def look(self) -> str:
        """Return the state to draw."""
        return _LOOKS.get(self.account.state, "disabled")


@dataclass(frozen=True, slots=True)
class AccountsView:
    """The list."""

    lines: tuple[Line, ...]
    older: str | None
    is_later_page: bool
    may_manage: bool


def _role_name(role: str) -> str:
    return {str(known): name for known, (name, _) in ROLE_WORDS.items()}.get(role, role)


def load(session: Session, viewer: Principal, *, cursor: str | None = None) -> AccountsView:
    """Return one page of the list.

    Raises:
        NotAllowed: the viewer may not see the accounts.
    """
    page = service_accounts(session, viewer, cursor=cursor)
    return AccountsView(
        lines=tuple(Line(row) for row in page.rows),
        older=f"/settings/keys/accounts?cursor={page.next_cursor}" if page.next_cursor else None,
        is_later_page=cursor is not None,
        may_manage=can(viewer, "service_account.manage"),
    )


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form about an account offers."""

    roles: tuple[tuple[str, str, str], ...]
    places: tuple[tuple[str, str], ...]
    people: tuple[tuple[str, str], ...]


def _choices(session: Session, viewer: Principal) -> Choices:
    people: list[MemberFacts] = []
    if can(viewer, "member.read"):
        people = list(members(session, viewer, size=200).rows)
    return Choices(
        roles=tuple((role, *ROLE_WORDS[role]) for role in ACCOUNT_ROLES),
        places=((ALL, "All of them"), *((place.slug, f"{place.name} only") for place in environments(session, viewer))),
        people=((NOBODY, "Nobody"), *((person.id, f"{person.name} ({person.email})") for person in people)),
    )


@dataclass(frozen=True, slots=True)
class NewAccountView:
    """The form for a new account, as it was filled in."""

    form: Form
    choices: Choices
    problem: str
    errors: Mapping[str, Sequence[str]]


def load_new(
    session: Session,
    viewer: Principal,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> NewAccountView:
    """Return the form.

    Raises:
        NotAllowed: the viewer may not make accounts.
    """
    authorize(viewer, "service_account.manage")
    return NewAccountView(form or Form(), _choices(session, viewer), problem, errors or {})


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account, its newest keys, and the form that changes it."""

    account: ServiceAccountFacts
    line: Line
    keys: tuple[KeyFacts, ...]
    has_more_keys: bool
    form: Form
    choices: Choices
    may_manage: bool
    may_make_keys: bool
    problem: str
    errors: Mapping[str, Sequence[str]]


def load_one(
    session: Session,
    viewer: Principal,
    name: str,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> AccountView:
    """Return one account. `form` is one that was refused.

    Raises:
        NotFound: there is no such account here.
    """
    found = service_account(session, viewer, name)
    page = keys(session, viewer, service_account=found.slug, size=KEYS_SHOWN)
    return AccountView(
        account=found,
        line=Line(found),
        keys=tuple(page.rows),
        has_more_keys=page.next_cursor is not None,
        form=form or _as_form(found),
        choices=_choices(session, viewer),
        may_manage=can(viewer, "service_account.manage"),
        may_make_keys=can(viewer, "key.manage") and found.state == "active",
        problem=problem,
        errors=errors or {},
    )


def _as_form(account: ServiceAccountFacts) -> Form:
    return Form(
        {
            "name": (account.name,),
            "description": (account.description,),
            "role": (account.role,),
            "contact": (NOBODY if account.is_contact_gone or account.contact_id is None else account.contact_id,),
        }
    )
