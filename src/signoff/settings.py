"""Every knob, from the environment (`SIGNOFF_…`) or one TOML file (`SIGNOFF_CONFIG`). The unit is in the name.

`docs/reference/settings.md` lists them; a test keeps the two equal.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr
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


class Settings(BaseSettings):
    """What the operator decides. Nothing here can be changed through the API."""

    model_config = SettingsConfigDict(env_prefix="SIGNOFF_", env_nested_delimiter="__", extra="forbid")

    # Where things are
    data_dir: Path = Path("./signoff-data")
    database_url: str | None = None
    engine_database_url: str | None = None
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

    # The audit: how long its rows are kept; at least half a year. Not set: for ever.
    audit_retention_days: int | None = Field(default=None, ge=184, le=36_500)

    # Sign-in
    session_idle_seconds: int = Field(default=12 * 3600, gt=0)
    session_absolute_seconds: int = Field(default=7 * 86_400, gt=0)
    setup_link_seconds: int = Field(default=86_400, gt=0)

    # The engine
    worker_concurrency: int = Field(default=32, ge=1, le=1000)
    poll_seconds: float = Field(default=1.0, gt=0, le=60)
    lease_seconds: float = Field(default=15.0, ge=2, le=60)
    heartbeat_seconds: float = Field(default=2.0, gt=0, le=20)
    shutdown_grace_seconds: float = Field(default=10.0, ge=0)

    # Limits that hold whatever a revision says
    run_wall_seconds_max: int = Field(default=6 * 3600, gt=0)
    request_bytes_max: int = Field(default=10_000_000, gt=0)
    tool_result_chars_max: int = Field(default=100_000, gt=0)
    model_response_bytes_max: int = Field(default=4_000_000, gt=0)
    tool_calls_per_turn_max: int = Field(default=64, gt=0)
    wait_seconds_max: float = Field(default=60.0, gt=0)
    rate_per_minute: int = Field(default=600, gt=0)
    sign_in_per_minute: int = Field(default=10, gt=0)

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
