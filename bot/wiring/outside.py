"""The outside of the program, opened from its settings: adapters, plug-ins, and the configuration in force."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.adapters.conditions import compile_condition
from bot.adapters.configuration import load_configuration
from bot.adapters.configuration.in_force import ConfigurationHolder
from bot.adapters.configuration.opening import open_configuration, origins_of
from bot.adapters.configuration.proposed import ProposedChanges
from bot.adapters.crash_points import crash_hook
from bot.adapters.data_folder import kept_secret
from bot.adapters.embedded_redis import address_of
from bot.adapters.expressions import SandboxedExpressions
from bot.adapters.http import HttpxHttp
from bot.adapters.identity import UlidIds
from bot.adapters.keyring import Keyring
from bot.adapters.process_names import owner_of
from bot.adapters.processes import Scripts
from bot.adapters.reviewed_files import ConfigurationFiles
from bot.adapters.rq_queue import RqQueue
from bot.adapters.secrets import EnvironmentSecrets
from bot.adapters.shipped import shipped_folder
from bot.adapters.sql import SqlStore, open_store
from bot.adapters.telemetry import house_log
from bot.domain.audit_anchors import AnchorTarget, parse_anchors
from bot.domain.configuration import Configuration
from bot.domain.events import Actor
from bot.flow.policy_keeping import PolicyKeeper
from bot.flow.stepping import Workshop
from bot.gate_plugins import Gate
from bot.gates import open_gates
from bot.ports import Clock, Ids, Log, Queue
from bot.settings import Settings, parse_tokens
from playbooks.steps import open_steps

WEBHOOK_TOKEN = "webhook-token"  # noqa: S105 - the name of a file
API_TOKENS = "api-tokens"
_SHORTEST_OWN = 8


def api_tokens(settings: Settings) -> dict[str, Actor]:
    """Actors by secret: from ANDON_API_TOKENS, else the ones made at first start in the data folder."""
    if settings.api_tokens is not None:
        return parse_tokens(settings.api_tokens.get_secret_value())
    return parse_tokens(kept_secret(settings.data / API_TOKENS, "owner:admin:{}"))


def webhook_token(settings: Settings) -> str | None:
    """On the embedded default, one bearer secret for every source, besides those that a source has of its own."""
    if not settings.is_embedded_database:
        return None
    return kept_secret(settings.data / WEBHOOK_TOKEN, "{}")


def keyring(settings: Settings) -> Keyring:
    """The key that signs here, and those that are trusted."""
    given = settings.signing_key.get_secret_value() if settings.signing_key else None
    return Keyring(settings.data, given, settings.trusted_keys)


def anchors_of(settings: Settings) -> tuple[AnchorTarget, ...]:
    """The places of ANDON_AUDIT_ANCHORS; ConfigError where one cannot be used."""
    return parse_anchors(settings.audit_anchors.get_secret_value()) if settings.audit_anchors else ()


def own_secrets(settings: Settings) -> list[str]:
    """Values that are Andon's own and must stand in nothing that leaves it: tokens, keys, passwords of addresses.

    Short ones are left out: a password such as `andon` would take the bot's own name out of every record."""
    values = {one.get_secret_value() for _, one in settings if isinstance(one, SecretStr)}
    values |= {password for one in values if (password := _password(one))}
    values |= {*api_tokens(settings), *(one for ones in settings.webhook_secrets.values() for one in ones)}
    values |= {webhook_token(settings) or "", *settings.slack_signing_secrets}
    return sorted(one for one in values if len(one) >= _SHORTEST_OWN)


def _password(address: str) -> str | None:
    try:
        return urlsplit(address).password
    except ValueError:
        return None


def redis_address(settings: Settings) -> str:
    """The address of Redis: as set, else the embedded one's of this data folder."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return address_of(settings.data)


@dataclass(frozen=True)
class Outside:
    """The adapters and plug-ins that the flow is built on."""

    store: SqlStore
    queue: Queue
    secrets: EnvironmentSecrets
    workshop: Workshop
    gates: Mapping[str, Gate]
    files: ConfigurationFiles
    configuration: ConfigurationHolder
    policies: PolicyKeeper
    proposed: ProposedChanges
    owner: str
    clock: Clock
    ids: Ids = field(default_factory=UlidIds)
    log: Log = field(default_factory=house_log)
    stopping: threading.Event = field(default_factory=threading.Event)

    def current(self) -> Configuration:
        """The configuration in force."""
        return self.configuration.current


def open_outside(settings: Settings, clock: Clock) -> Outside:
    """Open what the settings name. ConfigError where the configuration cannot be used."""
    steps, gates, shipped = open_steps(), open_gates(), shipped_folder("playbooks")
    secrets = EnvironmentSecrets(settings.playbook_secrets, folder=settings.config)
    store = open_store(settings.database, keys=keyring(settings))
    policies = PolicyKeeper(store, clock, origins_of(settings).of, house_log())
    load = partial(load_configuration, settings.config, steps=steps, gates=gates, shipped=shipped, secrets=secrets)
    holder = open_configuration(settings, lambda given: load(contents=given), store, policies.keep)
    workshop = Workshop(
        steps=steps,
        http=HttpxHttp(),
        processes=Scripts(folders_of(settings.config / "scripts")),
        expressions=SandboxedExpressions(secrets),
        secrets=secrets,
        compile=compile_condition,
        crash=crash_hook(settings.crash_at, settings.data),
        policies=lambda: holder.current.policies,
    )
    return Outside(
        store=store,
        queue=RqQueue(redis_address(settings)),
        secrets=secrets,
        workshop=workshop,
        gates=gates,
        files=ConfigurationFiles(folders_of(settings.config)),
        configuration=holder,
        policies=policies,
        proposed=ProposedChanges(settings.config, lambda given: load(contents=given)),
        owner=owner_of(os.getpid()),
        clock=clock,
    )


def folders_of(*folders: Path) -> list[Path]:
    """Those of these folders that there are."""
    return [folder for folder in folders if folder.is_dir()]
