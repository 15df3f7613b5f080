"""The only file that reads the environment: every setting, its default, and its secret files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.domain.errors import BadInput, ConfigError
from bot.domain.events import ANDON, Actor, Role
from bot.domain.times import parse_duration


def parse_span(value: object) -> timedelta:
    """A duration as people write it, of a minute or more; ValueError says what is wrong."""
    try:
        found = value if isinstance(value, timedelta) else parse_duration(str(value))
    except BadInput as error:
        raise ValueError(str(error)) from None
    if found < timedelta(minutes=1):
        raise ValueError("it is shorter than a minute")
    return found


class Settings(BaseSettings):
    """Read once per process. `ANDON_X_FILE` gives `ANDON_X` from a file. Folders are made absolute."""

    model_config = SettingsConfigDict(env_prefix="ANDON_", extra="ignore", frozen=True, hide_input_in_errors=True)

    config: Path = Path("config")
    data: Path = Path("var")
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: str | None = None
    api_tokens: SecretStr | None = None
    token: SecretStr | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    lease_seconds: Annotated[float, Field(gt=0.2, le=600)] = 6.0
    sweep_seconds: Annotated[float, Field(gt=0.1, le=600)] = 5.0
    pagerduty_routing_key: SecretStr | None = None
    pagerduty_token: SecretStr | None = None
    pagerduty_events_url: str = "https://events.pagerduty.com"
    pagerduty_api_url: str = "https://api.pagerduty.com"
    opsgenie_key: SecretStr | None = None
    opsgenie_url: str = "https://api.opsgenie.com"
    strict: bool = False
    """Policies and playbooks that nobody but their author has read do not come into force."""
    policy_commit: str | None = None
    policy_author: str | None = None
    policy_reviewer: str | None = None
    """Where the configuration comes from, for images that are built without its repository."""
    signing_key: SecretStr | None = None
    """An Ed25519 private key as PEM text, for bundles and the audit. Unset: one is made in the data folder."""
    trusted_keys: str | None = None
    """Public keys whose signatures count besides the own one's: files named with commas between, or PEM text."""
    audit_anchors: SecretStr | None = None
    """Where heads of the audit are sent; an address of an object store may hold a key."""
    audit_anchor_every: Annotated[timedelta, BeforeValidator(parse_span)] = timedelta(hours=1)
    public_badges: bool = False
    """Anybody may fetch `/badge/{service}.svg`, without a token."""
    log_level: str = "INFO"
    crash_at: str | None = None
    """Tests only: the process kills itself at this named point (see docs/testing.md)."""
    slack_bot_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    """One or more, comma separated, while it is rotated."""
    slack_app_token: SecretStr | None = None
    """Socket Mode."""
    slack_api_url: str = "https://slack.com/api/"
    slack_team: str | None = None
    """The workspace; people of any other are strangers. Unset: the one of the bot token."""
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    webhook_secrets: Mapping[str, tuple[str, ...]] = Field(default_factory=dict, repr=False)
    playbook_secrets: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @model_validator(mode="after")
    def _absolute(self) -> Self:
        object.__setattr__(self, "config", self.config.absolute())
        object.__setattr__(self, "data", self.data.absolute())
        return self

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Settings from the environment with `_FILE` variants read; raises ConfigError that names the variable."""
        from pydantic import ValidationError

        env = _with_files(dict(os.environ if environment is None else environment))
        values: dict[str, Any] = {
            name: env[f"ANDON_{name.upper()}"]
            for name in cls.model_fields
            if name not in ("webhook_secrets", "playbook_secrets") and env.get(f"ANDON_{name.upper()}")
        }
        values["webhook_secrets"] = _webhook_secrets(env)
        values["playbook_secrets"] = {key: value for key, value in env.items() if _may_be_playbook_secret(key)}
        values.update({key: value for key, value in overrides.items() if value is not None})
        try:
            return cls.model_construct_checked(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = f"ANDON_{str(first['loc'][0]).upper()}" if first["loc"] else "the settings"
            raise ConfigError(f"{name} cannot be used", why=first["msg"]) from error

    @classmethod
    def model_construct_checked(cls, values: Mapping[str, Any]) -> Self:
        """Validated, from these values alone: the environment was read already."""
        return cls.model_validate(dict(values))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed over: `from_environment` reads the environment, once, `_FILE` variants included."""
        return (init_settings,)

    @property
    def is_embedded_redis(self) -> bool:
        """Andon starts its own Redis."""
        return self.redis_url is None

    @property
    def is_embedded_database(self) -> bool:
        """The database is a file in the data folder."""
        return self.database_url is None

    @property
    def media(self) -> frozenset[str]:
        """The media that are set up."""
        found = {"page"}
        if self.slack_bot_token is not None:
            found.add("slack")
        if self.smtp_url is not None:
            found.add("mail")
        return frozenset(found)

    @property
    def slack_signing_secrets(self) -> tuple[str, ...]:
        """What Slack's requests may be signed with; none: Slack is not let in."""
        text = self.slack_signing_secret.get_secret_value() if self.slack_signing_secret else ""
        return tuple(filter(None, (part.strip() for part in text.split(","))))

    @property
    def database(self) -> str:
        """SQLAlchemy address of the database; holds a password, never print it."""
        if self.database_url is None:
            return f"sqlite:///{self.data / 'andon.db'}"
        return self.database_url.get_secret_value()

    @property
    def address(self) -> str:
        """Where people reach the pages."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def _with_files(env: dict[str, str]) -> dict[str, str]:
    for key in [name for name in env if name.endswith("_FILE") and (name.startswith("ANDON_") or name[:-5] not in env)]:
        target = key.removesuffix("_FILE")
        if not key.startswith("ANDON_"):
            continue
        if env.get(target):
            raise ConfigError(f"{target} and {key} are both set", next="keep one of them")
        try:
            env[target] = Path(env[key]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{key} names a file that cannot be read", why=str(error)) from error
    return env


def _webhook_secrets(env: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    prefix = "ANDON_WEBHOOK_SECRET_"
    return {
        key.removeprefix(prefix).lower(): tuple(filter(None, (part.strip() for part in value.split(","))))
        for key, value in env.items()
        if key.startswith(prefix) and not key.endswith("_FILE")
    }


def _may_be_playbook_secret(key: str) -> bool:
    return key.startswith("ANDON_SECRET_") or not key.startswith("ANDON_")


def parse_tokens(text: str) -> dict[str, Actor]:
    """`name:role:secret,…` → actors by secret; raises ConfigError that names the entry by number, never its secret."""
    actors: dict[str, Actor] = {}
    for number, entry in enumerate(filter(None, (part.strip() for part in text.replace("\n", ",").split(","))), 1):
        name, _, rest = entry.partition(":")
        role, _, secret = rest.partition(":")
        if not name or role not in (Role.VIEWER, Role.OPERATOR, Role.ADMIN) or len(secret) < 8:
            raise ConfigError(
                f"Entry {number} of ANDON_API_TOKENS is not name:role:secret",
                why="the role is viewer, operator or admin, and the secret has 8 characters or more",
            )
        if name.casefold() == ANDON.name:
            raise ConfigError(
                f"Entry {number} of ANDON_API_TOKENS is called {name}",
                why="that is the name of the bot itself in every record",
                next="give the token the name of its holder",
            )
        if secret in actors:
            raise ConfigError(f"Entry {number} of ANDON_API_TOKENS repeats another one's secret")
        actors[secret] = Actor(name, Role(role))
    return actors
