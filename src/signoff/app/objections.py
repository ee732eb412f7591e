"""What is fine for a trial and wrong in production: one sentence for each, which says what to do."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import itertools
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from signoff.engine.mailing import mail_server
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

# A network wider than this is no private network but most of the world.
_NETWORK_BITS_MIN = {4: 8, 6: 32}
_KNOWN_PASSWORDS = frozenset(
    ("admin", "changeme", "default", "example", "password", "postgres", "root", "secret", "signoff", "test")
)
_TEST_WORDS = ("SIGNOFF_TEST_BUILD", "SIGNOFF_FAULT", "SIGNOFF_WEB_RELOAD")


def objections(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return every objection against serving production with these settings; none when it may start."""
    return [text for look in _LOOKS for text in look(settings, environment)]


def mail_objections(settings: Settings) -> list[str]:
    """Return what is wrong with the settings of mail: also a trial refuses a server that cannot be."""
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


def _models(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    if settings.allow_scripted_models:
        yield "Scripted models are for trials and tests: unset SIGNOFF_ALLOW_SCRIPTED_MODELS."
    if settings.default_model and settings.default_model.startswith("scripted:"):
        yield "The default model is scripted: set SIGNOFF_DEFAULT_MODEL to a real one."


def _secret_key(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    if settings.secret_key is None and settings.secret_key_file is None and settings.secret_key_wrapped is None:
        yield "There is no key for secrets: set SIGNOFF_SECRET_KEY_FILE (openssl rand -base64 32 > FILE)."
    if (key := _key_text(settings)) is not None and _is_guessable(key):
        yield "The key for secrets can be guessed: make one with openssl rand -base64 32."
    if any(_is_guessable(old.get_secret_value()) for old in settings.old_secret_keys):
        yield "An older key for secrets can be guessed: run signoff secrets rotate-key, unset SIGNOFF_OLD_SECRET_KEYS."
    if settings.secret_key is None and settings.secret_key_file and _is_open(settings.secret_key_file):
        yield f"Everybody on the machine can read the key for secrets: chmod 600 {settings.secret_key_file}."
    config = environment.get("SIGNOFF_CONFIG")
    if config and _is_open(Path(config)) and _holds_secrets(settings):
        yield f"Everybody on the machine can read the settings, and secrets stand in them: chmod 600 {config}."


def _holds_secrets(settings: Settings) -> bool:
    has_key = settings.secret_key is not None or settings.metrics_token is not None or bool(settings.old_secret_keys)
    return has_key or any(provider.api_key is not None for provider in settings.providers.values())


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


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))
    except OSError:
        return False


def _address(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    if not settings.public_url and not settings.trusted_hosts:
        yield "Say under which name people open it: set SIGNOFF_PUBLIC_URL, such as https://signoff.example.com."
    if "*" in settings.trusted_hosts:
        yield "It would answer under every name: list its own in SIGNOFF_TRUSTED_HOSTS instead of *."
    # What never leaves the machine needs no https.
    if not (settings.public_url and _is_here(settings.public_url)):
        if settings.public_url and not settings.public_url.startswith("https://"):
            yield "The public address is not https, so sessions could be read on the way: change SIGNOFF_PUBLIC_URL."
        elif not settings.is_https:
            yield "Cookies would also go without https: set SIGNOFF_IS_HTTPS=true, also behind a proxy that ends TLS."
    if any(_is_everybody(proxy) for proxy in settings.trusted_proxies):
        yield "Anybody could say who they are: list the addresses of your proxies in SIGNOFF_TRUSTED_PROXIES."


def _is_here(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_everybody(proxy: str) -> bool:
    if proxy.strip() == "*":
        return True
    try:
        return ipaddress.ip_network(proxy.strip(), strict=False).prefixlen == 0
    except ValueError:
        return False


def _outside(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    if settings.allow_loopback:
        yield "Agents could reach this machine's own services: unset SIGNOFF_ALLOW_LOOPBACK."
    if settings.hashicorp_vault is not None and not settings.hashicorp_vault.url.startswith("https:"):
        yield "Secrets would come from Vault unencrypted: give hashicorp_vault an address with https."
    for text in settings.allow_private_networks:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue  # Refused where it is used, with its own words.
        if network.prefixlen < _NETWORK_BITS_MIN[network.version]:
            yield f"{text} is no private network but most of the world: narrow SIGNOFF_ALLOW_PRIVATE_NETWORKS."


def _database(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    for name, text in (
        ("SIGNOFF_DATABASE_URL", settings.database_url),
        ("SIGNOFF_ENGINE_DATABASE_URL", settings.engine_database_url),
    ):
        try:
            url = make_url(text) if text else None
        except ArgumentError:
            continue  # Refused where it is opened.
        if url is None or url.host in (None, "localhost", "127.0.0.1", "::1") or url.get_backend_name() == "sqlite":
            continue
        if (url.password or "").lower() in _KNOWN_PASSWORDS:
            yield f"The database's password is one of the first anybody tries: change it, and {name} with it."


def _debugging(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    if settings.log_level == "debug":
        yield "The log would tell more than operation needs: set SIGNOFF_LOG_LEVEL=info."
    for name in _TEST_WORDS:
        if environment.get(name):
            yield f"{name} is for tests and development: unset it."
    if environment.get("PYTHONASYNCIODEBUG") or environment.get("PYTHONDEVMODE"):
        yield "Python runs in a mode for development: unset PYTHONASYNCIODEBUG and PYTHONDEVMODE."


_LOOKS: tuple[Callable[[Settings, Mapping[str, str]], Iterator[str]], ...] = (
    _models,
    _secret_key,
    _address,
    _outside,
    _database,
    _debugging,
)
