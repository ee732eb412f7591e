"""What the pages say about OAuth logins."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.connections.logins.views import LoginView
from signoff.connections.privilege import may_write

KINDS: tuple[tuple[str, str], ...] = (
    ("oauth_authorization_code", "A person agrees at the provider"),
    ("oauth_client_credentials", "The client signs in for itself"),
)
PRINCIPALS: tuple[tuple[str, str], ...] = (
    ("service", "A service account"),
    ("personal", "One person's own account"),
)
CLIENT_AUTHS: tuple[tuple[str, str], ...] = (
    ("client_secret_basic", "A secret, in a header (usual)"),
    ("client_secret_post", "A secret, in the form"),
    ("none", "No secret: a public client with PKCE"),
)
# State → what is drawn (`web.looks`), and its word.
_LOOKS = {
    "needs_login": ("untested", "Not authorised yet"),
    "active": ("healthy", "Signed in"),
    "refresh_failed": ("failing", "Authorise again"),
    "revoked": ("retired", "Signed out"),
}


@dataclass(frozen=True, slots=True)
class LoginWords:
    """The state to draw with its word, and the word on the button that signs the connection in."""

    look: tuple[str, str]
    button: str


def words_of_login(login: LoginView | None) -> LoginWords | None:
    """Return the words for a login."""
    return LoginWords(look_of(login), button_of(login)) if login is not None else None


def look_of(login: LoginView) -> tuple[str, str]:
    """Return the state to draw, and its word."""
    if login.is_locked:
        is_client = login.kind == "oauth_client_credentials"
        return "changed", f"Leads elsewhere: {'enter its secret' if is_client else 'authorise'} again"
    return _LOOKS.get(login.state, ("untested", login.state))


def granted_of(login: LoginView) -> tuple[tuple[str, str, str], ...]:
    """Return each scope with what became of it, and a tone."""
    if not login.scopes_granted:
        return tuple((scope, "asked", "idle") for scope in login.scopes_asked)
    lines = [(scope, "granted, may write" if may_write(scope) else "granted", "ok") for scope in login.scopes_asked]
    lines = [line for line in lines if line[0] in login.scopes_granted]
    lines += [(scope, "not granted", "wait") for scope in login.scopes_missing]
    return tuple(lines + [(scope, "granted, not asked for", "wait") for scope in login.scopes_beyond])


def button_of(login: LoginView) -> str:
    """Return the word on the button that signs the connection in."""
    is_first = login.state == "needs_login" and login.authorised_at is None
    if login.kind == "oauth_client_credentials":
        return "Sign in" if is_first else "Sign in again"
    return "Authorise" if is_first else "Authorise again"
