"""What must hold before the process serves anyone. A refusal names the next command to type."""

from __future__ import annotations

import base64
import binascii
import itertools

from sqlalchemy.exc import SQLAlchemyError

from signoff.engine.mailing import mail_server
from signoff.kit.errors import ConnectorError, Fault
from signoff.settings import Settings
from signoff.tables.migrate import newer_sentence, schema_state
from signoff.tables.session import Store


class NotReadyToStart(Fault):
    """The process must not serve like this."""


def check_settings(settings: Settings) -> None:
    """Refuse what cannot work, and in production what is fine for a trial only; every objection at once.

    Raises:
        NotReadyToStart: with one line for each.
    """
    problems = _mail_problems(settings)
    if settings.is_production:
        problems = [*_trial_problems(settings), *problems]
    if problems:
        raise NotReadyToStart(
            "Production does not start like this:\n- " + "\n- ".join(problems)
            if settings.is_production
            else "\n".join(problems)
        )


def _trial_problems(settings: Settings) -> list[str]:
    """Return what is fine for a trial and wrong in production."""
    problems: list[str] = []
    if settings.allow_scripted_models:
        problems.append("Scripted models are for trials and tests: unset SIGNOFF_ALLOW_SCRIPTED_MODELS.")
    if settings.default_model and settings.default_model.startswith("scripted:"):
        problems.append("The default model is scripted: set SIGNOFF_DEFAULT_MODEL to a real one.")
    if settings.secret_key is None and settings.secret_key_file is None:
        problems.append("There is no key for secrets: set SIGNOFF_SECRET_KEY_FILE (openssl rand -base64 32 > FILE).")
    if (key := _key_text(settings)) is not None and _is_guessable(key):
        problems.append("The key for secrets can be guessed: make one with openssl rand -base64 32.")
    if settings.allow_loopback:
        problems.append("Agents could reach this machine's own services: unset SIGNOFF_ALLOW_LOOPBACK.")
    if not settings.public_url and not settings.trusted_hosts:
        problems.append(
            "Say under which name people open it: set SIGNOFF_PUBLIC_URL, such as https://signoff.example.com."
        )
    if settings.public_url and settings.public_url.startswith("https:") and not settings.is_https:
        problems.append("The public address is https: set SIGNOFF_IS_HTTPS=true, so that cookies are only sent there.")
    return problems


def _mail_problems(settings: Settings) -> list[str]:
    try:
        server = mail_server(settings)
    except ConnectorError as error:
        return [error.detail]
    if server is None or not settings.is_production:
        return []
    problems: list[str] = []
    if server.encryption == "none" and not server.is_local:
        problems.append("Mail with links would travel without encryption: use smtps:// or smtp+starttls://.")
    if not settings.public_url:
        problems.append("Mails need an address that leads back here: set SIGNOFF_PUBLIC_URL.")
    return problems


def _key_text(settings: Settings) -> str | None:
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    if settings.secret_key_file is None:
        return None
    try:
        # A file that cannot be read, or holds no text, is refused where the key is loaded.
        return settings.secret_key_file.read_text(encoding="ascii").strip()[:1_000]
    except (OSError, UnicodeError):
        return None


def _is_guessable(text: str) -> bool:
    """Return whether a key has far less chance in it than 32 random bytes: a repeated or counted-up pattern, a word."""
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        value = text.encode()
    steps = {(after - before) % 256 for before, after in itertools.pairwise(value)}
    # 32 random bytes are not all printable, and have about 30 different values.
    is_text = value.isascii() and value.decode().isprintable()
    return is_text or len(value) < 32 or len(set(value)) < 16 or len(steps) < 8


def check_schema(store: Store) -> None:
    """Refuse a database that is not at this release's schema.

    Raises:
        NotReadyToStart: unmigrated, behind, newer, or out of reach.
    """
    try:
        state = schema_state(store.engine)
    except SQLAlchemyError as error:
        raise NotReadyToStart(
            f"The database cannot be reached ({type(error).__name__}). Check SIGNOFF_DATABASE_URL and that it runs."
        ) from error
    if state == "newer":
        raise NotReadyToStart(newer_sentence())
    if state != "current":
        word = "has no tables yet" if state == "empty" else "has the schema of an older release"
        raise NotReadyToStart(f"The database {word}. Run: signoff migrate")
