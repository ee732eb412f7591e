"""What the page of a connection's login shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.connections.logins.authorising import Departure
from signoff.connections.logins.queries import login_of
from signoff.connections.logins.setup import LoginSetup
from signoff.connections.logins.views import LoginView
from signoff.connections.privilege import PrivilegeWarning, connection_warnings
from signoff.connections.queries import connection
from signoff.connections.views import ConnectionRow
from signoff.connectors.oauth.discovery import Provider
from signoff.connectors.oauth.tokens import scopes_of
from signoff.people.access import Principal, authorize
from signoff.web.forms import Form
from signoff.web.login_words import CLIENT_AUTHS, KINDS, PRINCIPALS, LoginWords, granted_of, words_of_login

_TEXTS = ("issuer", "authorize_url", "token_url", "revoke_url", "resource")


@dataclass(frozen=True, slots=True)
class LoginPageView:
    """The page. `found` is what a provider said of itself just now; nothing of it is kept until the form is saved."""

    row: ConnectionRow
    login: LoginView | None
    warnings: tuple[PrivilegeWarning, ...]
    form: Form
    found: Provider | None
    return_address: str
    problem: str
    errors: Mapping[str, Sequence[str]]
    kinds: tuple[tuple[str, str], ...] = KINDS
    principals: tuple[tuple[str, str], ...] = PRINCIPALS
    client_auths: tuple[tuple[str, str], ...] = CLIENT_AUTHS

    @property
    def path(self) -> str:
        """Return the address of the connection, below the workspace."""
        return f"/connections/{self.row.id}"

    @property
    def login_words(self) -> LoginWords | None:
        """Return what is said of the login."""
        return words_of_login(self.login)

    @property
    def granted(self) -> tuple[tuple[str, str, str], ...]:
        """Return each scope with its word and tone."""
        return granted_of(self.login) if self.login else ()

    @property
    def is_open(self) -> bool:
        """Return whether the form is what the reader came for: nothing is set up, or something in it is wrong."""
        return self.login is None or self.found is not None or bool(self.errors)


@dataclass(frozen=True, slots=True)
class AwayView:
    """Somebody is about to leave for the provider."""

    departure: Departure

    @property
    def path(self) -> str:
        """Return the address of the connection, below the workspace."""
        return f"/connections/{self.departure.connection_id}"


def load(
    session: Session,
    viewer: Principal,
    connection_id: str,
    *,
    return_address: str,
    form: Form | None = None,
    found: Provider | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> LoginPageView:
    """Return the view: the form as it was typed, else as a provider says, else as it is set up.

    Raises:
        NotFound: there is no such connection where the viewer may look.
        NotAllowed: the viewer may not set up logins.
    """
    row = connection(session, viewer, connection_id).row
    authorize(viewer, "connection.manage", environment_id=row.environment_id)
    login = login_of(session, viewer, connection_id)
    return LoginPageView(
        row=row,
        login=login,
        warnings=connection_warnings(session, viewer, connection_id, login),
        form=form or _form_of(login),
        found=found,
        return_address=return_address,
        problem=problem,
        errors=errors or {},
    )


def _form_of(login: LoginView | None) -> Form:
    if login is None:
        return Form({"kind": ("oauth_authorization_code",), "principal": ("service",)})
    values = {name: (str(getattr(login, name) or ""),) for name in (*_TEXTS, "kind", "principal", "client_id")}
    return Form({**values, "client_auth": (login.client_auth,), "scopes": (" ".join(login.scopes_asked),)})


def filled(form: Form, found: Provider) -> Form:
    """Return the form with what a provider said in its fields; what it does not say stays as it was typed."""
    said = {
        "issuer": found.issuer,
        "authorize_url": found.authorize_url,
        "token_url": found.token_url,
        "revoke_url": found.revoke_url,
        "resource": found.resource,
        "scopes": " ".join(found.scopes) if not form.text("scopes").strip() else None,
    }
    return Form({**form.values, **{name: (text,) for name, text in said.items() if text}})


def setup_from(form: Form, before: LoginView | None) -> LoginSetup:
    """Return what the form says. The room checks it."""

    def text(name: str) -> str | None:
        return form.text(name).strip() or None

    has_none = form.text("client_auth") == "none"
    secret = form.text("client_secret").strip()
    return LoginSetup(
        kind=form.text("kind"),
        principal=form.text("principal"),
        issuer=text("issuer"),
        authorize_url=text("authorize_url") if form.text("kind") == "oauth_authorization_code" else None,
        token_url=form.text("token_url").strip(),
        revoke_url=text("revoke_url"),
        resource=text("resource"),
        client_id=form.text("client_id").strip(),
        client_auth=form.text("client_auth"),
        client_secret="" if has_none else secret or None,
        scopes=scopes_of(form.text("scopes")),
        is_registered_by_us=before is not None
        and before.is_registered_by_us
        and before.client_id == form.text("client_id").strip(),
    )
