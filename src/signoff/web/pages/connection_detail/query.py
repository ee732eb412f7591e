"""What the page of one connection shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from signoff.connections.logins.queries import login_of
from signoff.connections.logins.states import KINDS_WITH_LOGIN
from signoff.connections.logins.views import LoginView
from signoff.connections.mentions import mentioned
from signoff.connections.privilege import PrivilegeWarning, connection_warnings
from signoff.connections.queries import connection, tools_of
from signoff.connections.secrets.queries import secrets_page
from signoff.connections.states import slot_before
from signoff.connections.views import ConnectionDetail, SecretRow, ToolRow, Use
from signoff.freezes.queries import Freeze, active_freezes
from signoff.kit.errors import NotFound
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, authorize, can
from signoff.settings import Settings
from signoff.web.connection_form import Choices, choices_of, fields_of, shown_config
from signoff.web.connection_words import KindWords, health_of, words_of
from signoff.web.forms import Form
from signoff.web.login_words import LoginWords, words_of_login
from signoff.web.pages.connection_detail.tools import (
    EFFECT_WORDS,
    ToolLine,
    WaitingTool,
    lines_of,
    waiting_among,
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a refused request leaves on the page: why, on which tool and what of it, and the reason that was typed."""

    problem: str = ""
    tool: str = ""
    reason: str = ""
    about: str = "effect"


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """The page. Addresses lie below the workspace."""

    detail: ConnectionDetail
    words: KindWords
    health: tuple[str, str]
    config: tuple[tuple[str, str], ...]
    lines: tuple[ToolLine, ...]
    waiting: tuple[WaitingTool, ...]
    secrets: tuple[SecretRow, ...]
    used_by: tuple[Use, ...]
    freeze: Freeze | None
    workspace_freeze: Freeze | None
    may_manage: bool
    may_reconnect: bool
    may_test: bool
    may_freeze: bool
    may_enter_secrets: bool
    may_see_secrets: bool
    said: Said
    login: LoginView | None = None
    warnings: tuple[PrivilegeWarning, ...] = ()
    has_login: bool = False
    slot: str = ""
    effects: tuple[tuple[str, str], ...] = EFFECT_WORDS

    @property
    def path(self) -> str:
        """Return the address of the connection."""
        return f"/connections/{self.detail.row.id}"

    @property
    def login_words(self) -> LoginWords | None:
        """Return what is said of the login."""
        return words_of_login(self.login)

    @property
    def is_active(self) -> bool:
        """Return whether calls go through it."""
        return self.detail.row.state == "active"

    @property
    def is_gone(self) -> bool:
        """Return whether it was disconnected for good."""
        return self.detail.row.state == "disconnected"

    @property
    def is_broken(self) -> bool:
        """Return whether it is meant to work and does not."""
        return self.is_active and self.detail.row.health == "broken"

    @property
    def locked(self) -> tuple[SecretRow, ...]:
        """Return the secrets that were entered for other hosts than it has now."""
        return tuple(secret for secret in self.secrets if secret.is_locked)

    def uses_in(self, place: str) -> list[Use]:
        """Return who names it in a live revision ("live"), or in a draft alone ("draft")."""
        return [use for use in self.used_by if use.in_live == (place == "live")]


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """A tool's definition as it was accepted."""

    connection_id: str
    connection_name: str
    tool: ToolRow

    @property
    def back(self) -> str:
        """Return the address of its connection, below the workspace."""
        return f"/connections/{self.connection_id}"


@dataclass(frozen=True, slots=True)
class EditView:
    """The form that changes a connection."""

    detail: ConnectionDetail
    words: KindWords
    form: Form
    choices: Choices
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def path(self) -> str:
        """Return the address of the connection, below the workspace."""
        return f"/connections/{self.detail.row.id}"


NOTHING_SAID = Said()


def load(session: Session, viewer: Principal, connection_id: str, said: Said = NOTHING_SAID) -> ConnectionView:
    """Return the view.

    Raises:
        NotFound: there is no such connection where the viewer may look.
    """
    detail = connection(session, viewer, connection_id)
    tools, frozen = tools_of(session, viewer, connection_id), active_freezes(session, viewer)
    may_see_secrets = can(viewer, "secret.read")
    secrets = (
        secrets_page(session, viewer, connection_id=connection_id, size=PAGE_SIZE_MAX).rows if may_see_secrets else ()
    )
    is_gone = detail.row.state == "disconnected"
    login = login_of(session, viewer, connection_id)
    return ConnectionView(
        detail=detail,
        words=words_of(detail.row.kind),
        health=health_of(detail.row),
        config=tuple(shown_config(detail.config)),
        lines=lines_of(tools, said.tool, said.problem, said.about),
        waiting=() if is_gone else waiting_among(tools),
        secrets=tuple(secrets),
        used_by=mentioned(session, viewer).slots.of(detail.row.environment_id, detail.row.slug),
        freeze=next((freeze for freeze in frozen if freeze.target_id == connection_id), None),
        workspace_freeze=next((freeze for freeze in frozen if freeze.scope == "workspace"), None),
        may_manage=can(viewer, "connection.manage") and not is_gone,
        may_reconnect=can(viewer, "connection.manage") and is_gone,
        may_test=can(viewer, "connection.test") and detail.row.state == "active",
        may_freeze=can(viewer, "freeze.order"),
        may_enter_secrets=can(viewer, "secret.manage") and not is_gone,
        may_see_secrets=may_see_secrets,
        said=said,
        login=login,
        warnings=connection_warnings(session, viewer, connection_id, login),
        has_login=detail.row.kind in KINDS_WITH_LOGIN,
        slot=slot_before(detail.row.slug, connection_id) if is_gone else detail.row.slug,
    )


def load_definition(session: Session, viewer: Principal, connection_id: str, name: str) -> DefinitionView:
    """Return one tool's definition.

    Raises:
        NotFound: the connection has no such tool.
    """
    detail = connection(session, viewer, connection_id)
    tool = next((tool for tool in tools_of(session, viewer, connection_id) if tool.name == name), None)
    if tool is None:
        raise NotFound("This connection has no tool of that name. Discover its tools again if it should.")
    return DefinitionView(connection_id, detail.row.name, tool)


def load_edit(
    session: Session,
    viewer: Principal,
    settings: Settings,
    connection_id: str,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> EditView:
    """Return the form, as it is or as it was filled in.

    Raises:
        NotAllowed: the viewer may not change connections.
    """
    detail = connection(session, viewer, connection_id)
    authorize(viewer, "connection.manage", environment_id=detail.row.environment_id)
    known: dict[str, Any] = {"name": (detail.row.name,), "version": (str(detail.row.version),)}
    return EditView(
        detail=detail,
        words=words_of(detail.row.kind),
        form=form or Form({**fields_of(detail.row.kind, detail.config).values, **known}),
        choices=choices_of(settings),
        problem=problem,
        errors=errors or {},
    )
