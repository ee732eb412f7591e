"""Every knob, from the environment (`SIGNOFF_…`) or one TOML file (`SIGNOFF_CONFIG`). The unit is in the name.

`docs/reference/settings.md` lists them; a test keeps the two equal.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

ProviderKind = Literal["openai", "anthropic", "google", "openai-compatible"]


class StdioCommand(BaseModel):
    """A program that may be started as an MCP server. Only the operator's file can name one."""

    command: str
    args: list[str] = Field(default_factory=list[str])
    env: dict[str, str] = Field(default_factory=dict[str, str])
    cwd: Path | None = None


class ModelProvider(BaseModel):
    """A model provider beside the built-in ones: `[providers.local]` makes `local:model-name` usable."""

    kind: ProviderKind = "openai-compatible"
    base_url: str | None = None
    api_key: SecretStr | None = None
    # How long one answer of this provider may take, where a revision would allow more.
    timeout_seconds: float | None = Field(default=None, gt=0, le=3600)
    # For a compatible endpoint whose prices nobody lists: dollars per million tokens. Local models cost 0.
    input_usd_per_million: float | None = Field(default=None, ge=0)
    output_usd_per_million: float | None = Field(default=None, ge=0)


SecretSourceKind = Literal["env", "vault", "aws"]


class SecretSource(BaseModel):
    """What secrets of one workspace may refer to in an outside store. Whatever no source allows is refused.

    `prefix` ends in a separator and allows what begins with it, or names one thing exactly.
    """

    kind: SecretSourceKind
    # The workspace's id or name, and the environment's name; no environment means each of them.
    workspace: str = Field(min_length=1, max_length=64)
    environment: str | None = Field(default=None, min_length=1, max_length=64)
    prefix: str = Field(min_length=2, max_length=500)


class HashicorpVault(BaseModel):
    """The HashiCorp Vault that secrets may refer to (KV version 2), and how Signoff signs in to it."""

    url: str
    namespace: str | None = None
    token: SecretStr | None = None
    role_id: str | None = None
    role_secret_id: SecretStr | None = None
    # A file with the certificate of the authority that signed Vault's own.
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _has_a_way_in(self) -> HashicorpVault:
        if not self.url.startswith(("https://", "http://")):
            raise ValueError("url is an address such as https://vault.example.com:8200")
        if (self.token is None) == (self.role_id is None):
            raise ValueError("give either a token, or role_id with role_secret_id")
        return self


class AwsSecrets(BaseModel):
    """The AWS Secrets Manager that secrets may refer to. Without keys here, the AWS client finds its own."""

    region: str
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None


class Settings(BaseSettings):
    """What the operator decides. Nothing here can be changed through the API."""

    model_config = SettingsConfigDict(env_prefix="SIGNOFF_", env_nested_delimiter="__", extra="forbid")

    # Where things are
    data_dir: Path = Path("./signoff-data")
    database_url: str | None = None
    engine_database_url: str | None = None
    # How long a process that starts waits for a Postgres that does not answer yet.
    database_wait_seconds: float = Field(default=60.0, ge=0, le=3600)
    blob_store: Literal["database", "folder"] = "database"
    blob_inline_bytes_max: int = Field(default=8_192, ge=0)

    # The front door
    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65535)
    public_url: str | None = None
    is_production: bool = False
    is_https: bool = False
    trusted_hosts: list[str] = Field(default_factory=list[str])
    trusted_proxies: list[str] = Field(default_factory=list[str])
    metrics_token: SecretStr | None = None

    # Keys. 32 bytes in base64; `old_secret_keys` still decrypt while a rotation is under way.
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    old_secret_keys: list[SecretStr] = Field(default_factory=list[SecretStr])
    # Or wrapped by a key service: a command reads the wrapped key in base64 and writes the key in base64.
    secret_key_wrapped: str | None = None
    old_secret_keys_wrapped: list[str] = Field(default_factory=list[str])
    secret_key_unwrap_command: list[str] = Field(default_factory=list[str])
    secret_key_wrap_command: list[str] = Field(default_factory=list[str])
    secret_key_command_seconds: float = Field(default=10.0, gt=0, le=120)

    # Secrets: how many values of each are kept, and outside stores that a value may stay in
    secret_versions_kept: int = Field(default=10, ge=1, le=100)
    secret_sources: list[SecretSource] = Field(default_factory=list[SecretSource])
    secret_cache_seconds: float = Field(default=60.0, ge=0, le=3600)
    secret_fetch_seconds: float = Field(default=10.0, gt=0, le=60)
    hashicorp_vault: HashicorpVault | None = None
    aws_secrets: AwsSecrets | None = None

    # The audit: how long its rows are kept; at least half a year. Not set: for ever.
    audit_retention_days: int | None = Field(default=None, ge=184, le=36_500)

    # Sign-in
    session_idle_seconds: int = Field(default=12 * 3600, gt=0)
    session_absolute_seconds: int = Field(default=7 * 86_400, gt=0)
    setup_link_seconds: int = Field(default=86_400, gt=0)
    reset_link_seconds: int = Field(default=1_800, gt=0)

    # Mail that Signoff sends: `smtps://user:password@host:465`, `smtp+starttls://…:587`, `smtp://` without encryption.
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    mail_timeout_seconds: float = Field(default=20.0, gt=0, le=300)

    # The engine
    worker_concurrency: int = Field(default=32, ge=1, le=1000)
    run_starts_per_second_min: float = Field(default=4.0, ge=0.1, le=1000)
    poll_seconds: float = Field(default=1.0, gt=0, le=60)
    lease_seconds: float = Field(default=15.0, ge=2, le=60)
    heartbeat_seconds: float = Field(default=2.0, gt=0, le=20)
    shutdown_grace_seconds: float = Field(default=10.0, ge=0)
    queue_still_seconds_max: float = Field(default=120.0, gt=0, le=86_400)

    # Limits that hold whatever a revision says
    run_wall_seconds_max: int = Field(default=6 * 3600, gt=0)
    request_bytes_max: int = Field(default=10_000_000, gt=0)
    tool_result_chars_max: int = Field(default=100_000, gt=0)
    model_response_bytes_max: int = Field(default=4_000_000, gt=0)
    tool_calls_per_turn_max: int = Field(default=64, gt=0)
    wait_seconds_max: float = Field(default=60.0, gt=0)
    request_seconds_max: float = Field(default=60.0, gt=0, le=3600)
    header_bytes_max: int = Field(default=32_768, ge=4_096, le=65_536)
    rate_per_minute: int = Field(default=600, gt=0)
    rate_workspace_per_minute: int | None = Field(default=None, gt=0)
    rate_address_per_minute: int | None = Field(default=None, gt=0)
    wrong_keys_per_minute: int | None = Field(default=None, gt=0)
    sign_in_per_minute: int = Field(default=10, gt=0)
    sign_in_total_per_minute: int = Field(default=600, gt=0)

    # Money: the most US dollars a day for whatever has no limit of its own
    workspace_day_usd_default: Decimal | None = Field(default=Decimal(500), ge=0, le=1_000_000)
    agent_day_usd_default: Decimal | None = Field(default=Decimal(100), ge=0, le=1_000_000)
    agent_test_day_usd_default: Decimal | None = Field(default=Decimal(25), ge=0, le=1_000_000)

    # The outside
    allow_loopback: bool = False
    allow_private_networks: list[str] = Field(default_factory=list[str])
    stdio_commands: dict[str, StdioCommand] = Field(default_factory=dict[str, StdioCommand])
    mail_roots: list[Path] = Field(default_factory=list[Path])
    providers: dict[str, ModelProvider] = Field(default_factory=dict[str, ModelProvider])
    allow_scripted_models: bool = False
    default_model: str | None = None

    # What is told
    log_format: Literal["json", "text"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit values win over the environment, the environment over the file."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        path = os.environ.get("SIGNOFF_CONFIG")
        if path:
            sources.append(TomlConfigSettingsSource(settings_cls, Path(path)))
        return tuple(sources)

    def model_post_init(self, context: Any) -> None:
        """Resolve the data folder once, so that a later change of directory cannot move it."""
        self.data_dir = self.data_dir.expanduser().resolve()

    @property
    def address(self) -> str:
        """Return where people reach this installation, for links that leave it; no slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def store_url(self) -> str:
        """Return where our tables are: the given database, or a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'signoff.sqlite'}"

    @property
    def durable_url(self) -> str:
        """Return where the engine keeps its record: schema `dbos` of the same Postgres, or a file of its own."""
        if self.engine_database_url:
            return self.engine_database_url
        if self.database_url and not self.database_url.startswith("sqlite"):
            return self.database_url
        return f"sqlite:///{self.data_dir / 'engine.sqlite'}"
