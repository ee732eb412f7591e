"""What a model's name says: which provider, which model there, whose key, and whether it is local."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from signoff.gateways.model.providers.scripted import PROVIDER as SCRIPTED
from signoff.gateways.model.providers.scripted import find_script
from signoff.kit.errors import ProviderError
from signoff.settings import ModelProvider, ProviderKind, Settings

ALIASES = {"gemini": "google"}
# Built-in providers: the kind of interface, the name people know, the environment variables their key may be in.
BUILT_IN: dict[str, tuple[ProviderKind, str, tuple[str, ...]]] = {
    "openai": ("openai", "OpenAI", ("OPENAI_API_KEY",)),
    "anthropic": ("anthropic", "Anthropic", ("ANTHROPIC_API_KEY",)),
    "google": ("google", "Google", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
}
# Shorter than any key a provider gives out.
KEY_CHARS_MIN = 16
_LABELS: dict[str, str] = {kind: label for kind, label, _ in BUILT_IN.values()}


@dataclass(frozen=True, slots=True)
class ModelName:
    """`provider:model`, taken apart.

    Args:
        provider: the name in front, with aliases resolved; what limits and alerts are kept by.
        label: how a sentence names the provider.
        key_place: where the operator sets its key, for a sentence.
        configured: the operator's entry, for a provider that is not built in.
    """

    full: str
    provider: str
    model: str
    label: str
    key_place: str
    kind: ProviderKind | None
    configured: ModelProvider | None = None

    @property
    def is_scripted(self) -> bool:
        """Return whether this is a script and no model."""
        return self.provider == SCRIPTED

    @property
    def is_local(self) -> bool:
        """Return whether the operator's own machines answer, so that a call costs nothing."""
        return self.configured is not None and is_local_address(self.configured.base_url or "")

    def api_key(self) -> str | None:
        """Return the key to sign in with, or None when there is none."""
        if self.configured is not None:
            return self.configured.api_key.get_secret_value() if self.configured.api_key else None
        if self.kind is None:
            return None
        _, _, variables = BUILT_IN[self.provider]
        return next((value for name in variables if (value := os.environ.get(name))), None)


def provider_keys(settings: Settings) -> dict[str, str]:
    """Return the keys this process signs in with, by the place where each is set, for masking.

    Short ones are left out: they are words such as "ollama" that only fill a field, and occur in texts.
    """
    keys = {name: os.environ.get(name, "") for _, _, names in BUILT_IN.values() for name in names}
    for name, own in settings.providers.items():
        keys[f"providers.{name}.api_key"] = own.api_key.get_secret_value() if own.api_key else ""
    return {place: key for place, key in keys.items() if len(key) >= KEY_CHARS_MIN}


def parse(name: str, settings: Settings) -> ModelName:
    """Return `name` taken apart.

    Raises:
        ProviderError: it is not `provider:model`, or no provider is called that here.
    """
    prefix, _, model = name.partition(":")
    provider = prefix if prefix in settings.providers else ALIASES.get(prefix, prefix)
    if not model:
        raise ProviderError(f"“{name[:80]}” does not name a model. Write provider:model.", code="unknown_provider")
    if provider == SCRIPTED:
        return ModelName(name, SCRIPTED, model, "The scripted model", "", None)
    configured = settings.providers.get(provider)
    if configured is not None:
        label = f"{_LABELS[configured.kind]} ({provider})" if configured.kind in _LABELS else f"“{provider}”"
        place = f"the setting providers.{provider}.api_key"
        return ModelName(name, provider, model, label, place, configured.kind, configured)
    if provider not in BUILT_IN:
        known = ", ".join([*BUILT_IN, *settings.providers])
        raise ProviderError(
            f"No model provider is called “{provider[:60]}” here. There are: {known}. "
            "An operator adds others in the settings, under providers.",
            code="unknown_provider",
        )
    kind, label, variables = BUILT_IN[provider]
    return ModelName(name, provider, model, label, " or ".join(variables), kind)


def problem_with(name: str, settings: Settings) -> str | None:
    """Return why a model of this name could not be asked from here now, in a sentence, or None when it could."""
    try:
        parsed = parse(name, settings)
    except ProviderError as error:
        return error.detail
    if parsed.is_scripted:
        if not settings.allow_scripted_models:
            return "Scripted models are switched off here. An operator can allow them (SIGNOFF_ALLOW_SCRIPTED_MODELS)."
        return None if find_script(parsed.model) else f"There is no scripted model called {parsed.model[:60]} here."
    if not is_key_optional(parsed) and not parsed.api_key():
        return f"{parsed.label} needs a key, and none is set. Set {parsed.key_place} and start again."
    return None


def is_key_optional(name: ModelName) -> bool:
    """Return whether a provider may be asked without a key: compatible endpoints decide that themselves."""
    if name.kind == "openai-compatible":
        return True
    return name.provider == "openai" and name.configured is None and bool(os.environ.get("OPENAI_BASE_URL"))


def is_local_address(url: str) -> bool:
    """Return whether `url` leads to this machine or its own network, by what it says."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".local", ".localhost", ".internal")) or (host and "." not in host):
        return ":" not in host or _is_local_number(host)
    return _is_local_number(host)


def _is_local_number(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private
