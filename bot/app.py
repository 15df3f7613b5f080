"""The only file that knows every part: builds the program from its settings, for every process and for tests."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.adapters.audit_heads import keep_head
from bot.adapters.conditions import compile_condition
from bot.adapters.configuration import load_configuration
from bot.adapters.configuration.in_force import ConfigurationHolder
from bot.adapters.crash_points import crash_hook
from bot.adapters.data_folder import kept_secret, open_data_folder
from bot.adapters.embedded_redis import address_of
from bot.adapters.expressions import SandboxedExpressions
from bot.adapters.glossary import load_glossary
from bot.adapters.http import HttpxHttp
from bot.adapters.identity import SystemClock, UlidIds
from bot.adapters.letters import LetterWriter
from bot.adapters.media import open_enclosures, open_media
from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.paging.keys import open_pagers
from bot.adapters.paging.messenger import PageSender
from bot.adapters.process_names import owner_of
from bot.adapters.processes import Scripts
from bot.adapters.rq_queue import RqQueue
from bot.adapters.secrets import EnvironmentSecrets
from bot.adapters.shipped import shipped_folder
from bot.adapters.sql import SqlStore, open_store
from bot.adapters.telemetry import house_log
from bot.domain.configuration import Configuration
from bot.domain.events import Actor
from bot.flow.cadence import Cadence
from bot.flow.chores import Rounds
from bot.flow.consequences import Consequences
from bot.flow.endings import Endings
from bot.flow.escalating import Escalating
from bot.flow.folding import Folder
from bot.flow.freshening import Freshener
from bot.flow.intake import Intake
from bot.flow.lease import LeaseKeeper
from bot.flow.moving import Mover
from bot.flow.notices import NoticeDesk
from bot.flow.observing import Observing
from bot.flow.orders import Orders
from bot.flow.reminders import Reminders
from bot.flow.runner import Runner
from bot.flow.stepping import Workshop
from bot.flow.sweep import Sweep
from bot.flow.telling import Teller
from bot.plugins import AlertSource, Checkable, Step
from bot.ports import Clock, Ids, Log, Pager, Queue
from bot.settings import Settings, parse_tokens
from handlers.alerts import load_sources
from handlers.inside import with_inside
from handlers.meeting_notes import hear_notes
from playbooks.steps import load_steps

WEBHOOK_TOKEN = "webhook-token"  # noqa: S105 - the name of a file
API_TOKENS = "api-tokens"

_NOTICE_LEASES = 10
"""A notice is its worker's for this many leases: nobody renews it, so it has to cover the slowest medium."""


@dataclass
class App:
    """Every part, wired. `close` ends what holds connections."""

    settings: Settings
    store: SqlStore
    queue: Queue
    clock: Clock
    ids: Ids
    log: Log
    configuration: ConfigurationHolder
    secrets: EnvironmentSecrets
    sources: Mapping[str, AlertSource]
    steps: Mapping[str, Step]
    tokens: Mapping[str, Actor]
    webhook_token: str | None
    intake: Intake
    runner: Runner
    notices: NoticeDesk
    sweep: Sweep
    observing: Observing
    folder: Folder
    workshop: Workshop
    pagers: Mapping[str, Pager]
    owner: str
    stopping: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """Close connections; the program can be built again afterwards."""
        self.store.close()
        self.workshop.http.close()


def redis_address(settings: Settings) -> str:
    """The address of Redis: as set, else the embedded one's of this data folder."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return address_of(settings.data)


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


def build_app(settings: Settings, *, clock: Clock | None = None) -> App:
    """The whole program. Raises ConfigError with every fault where the configuration or a setting cannot be used.

    `clock` replaces the host's, for tests; leases and what is due go by the database's clock all the same.
    """
    if settings.is_embedded_database or settings.is_embedded_redis or settings.api_tokens is None:
        open_data_folder(settings.data)
    outside = _open_outside(settings, clock or SystemClock())
    return App(
        settings=settings,
        tokens=api_tokens(settings),
        webhook_token=webhook_token(settings),
        sources=outside.sources,
        steps=outside.workshop.steps,
        secrets=outside.secrets,
        workshop=outside.workshop,
        pagers=outside.pagers,
        configuration=outside.configuration,
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        log=outside.log,
        owner=outside.owner,
        stopping=outside.stopping,
        **_build_flow(settings, outside),
    )


@dataclass(frozen=True)
class _Outside:
    """The adapters and plug-ins that the flow is built on."""

    store: SqlStore
    queue: Queue
    secrets: EnvironmentSecrets
    workshop: Workshop
    sources: Mapping[str, AlertSource]
    configuration: ConfigurationHolder
    pagers: Mapping[str, Pager]
    owner: str
    clock: Clock
    ids: Ids = field(default_factory=UlidIds)
    log: Log = field(default_factory=house_log)
    stopping: threading.Event = field(default_factory=threading.Event)

    def current(self) -> Configuration:
        """The configuration in force."""
        return self.configuration.current


def _open_outside(settings: Settings, clock: Clock) -> _Outside:
    steps, shipped = load_steps(), shipped_folder("playbooks")
    secrets = EnvironmentSecrets(settings.playbook_secrets, folder=settings.config)
    workshop = Workshop(
        steps=steps,
        http=HttpxHttp(),
        processes=Scripts(_folders(settings.config / "scripts")),
        expressions=SandboxedExpressions(secrets),
        secrets=secrets,
        compile=compile_condition,
        crash=crash_hook(settings.crash_at, settings.data),
    )
    return _Outside(
        store=open_store(settings.database),
        queue=RqQueue(redis_address(settings)),
        secrets=secrets,
        workshop=workshop,
        sources=load_sources(),
        configuration=ConfigurationHolder(
            lambda: load_configuration(settings.config, steps=steps, shipped=shipped, secrets=secrets)
        ),
        pagers=open_pagers(settings, workshop.http, clock),
        owner=owner_of(os.getpid()),
        clock=clock,
    )


def _build_flow(settings: Settings, outside: _Outside) -> dict[str, Any]:
    teller = Teller(outside.ids, settings.address, settings.media)
    endings = Endings(outside.ids, teller, outside.current)
    consequences = Consequences(outside.ids, teller)
    mover = Mover(outside.ids, outside.current, endings, consequences)
    return {
        **_intake_and_canaries(outside, _intake(outside, consequences)),
        "runner": _runner(settings, outside, mover),
        "notices": _desk(settings, outside, teller),
        "sweep": _sweep(settings, outside, endings, consequences),
    }


def _desk(settings: Settings, outside: _Outside, teller: Teller) -> NoticeDesk:
    templates = _folders(settings.config / "templates", shipped_folder("templates"))
    return NoticeDesk(
        store=outside.store,
        clock=outside.clock,
        ids=outside.ids,
        renderer=LetterWriter(NoticeTemplates(templates), open_enclosures(settings), load_glossary(templates)),
        messengers={
            **open_media(settings, outside.workshop.http, outside.clock, templates),
            **{name: PageSender(pager) for name, pager in outside.pagers.items()},
        },
        configuration=outside.current,
        freshen=Freshener(teller, outside.current).fresh,
        owner=outside.owner,
        ttl=timedelta(seconds=_NOTICE_LEASES * settings.lease_seconds),
        log=outside.log,
        crash=outside.workshop.crash,
    )


def _sweep(settings: Settings, outside: _Outside, endings: Endings, consequences: Consequences) -> Sweep:
    store, clock = outside.store, outside.clock
    rounds = Rounds(store, outside.queue, clock, outside.ids, outside.current, consequences)
    escalating = Escalating(rounds, outside.pagers, outside.log)
    return Sweep(
        store=store,
        queue=outside.queue,
        clock=clock,
        endings=endings,
        again=timedelta(seconds=settings.sweep_seconds),
        keep_head=lambda head: keep_head(settings.data, head),
        chores=[escalating.call, Cadence(rounds).keep, Reminders(rounds).send],
        looks=[escalating.look],
    )


def _intake(outside: _Outside, consequences: Consequences) -> Intake:
    orders = Orders(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        configuration=outside.current,
        consequences=consequences,
        checkable=frozenset(name for name, step in outside.workshop.steps.items() if isinstance(step, Checkable)),
        hear=hear_notes,
        log=outside.log,
    )
    return Intake(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        sources=with_inside(outside.sources),
        configuration=outside.current,
        consequences=consequences,
        orders=orders,
        crash=outside.workshop.crash,
        log=outside.log,
    )


def _intake_and_canaries(outside: _Outside, intake: Intake) -> dict[str, Any]:
    parts: dict[str, Any] = {one: getattr(outside, one) for one in ("store", "queue", "clock", "ids", "current")}
    folder = Folder(accept=intake.accept, crash=outside.workshop.crash, log=outside.log, **parts)
    return {"intake": intake, "observing": Observing(**parts), "folder": folder}


def _runner(settings: Settings, outside: _Outside, mover: Mover) -> Runner:
    lease = timedelta(seconds=settings.lease_seconds)
    return Runner(
        store=outside.store,
        clock=outside.clock,
        workshop=outside.workshop,
        mover=mover,
        keeper=LeaseKeeper(outside.store, outside.clock, lease, outside.log),
        owner=outside.owner,
        ttl=lease,
        stopping=outside.stopping,
        log=outside.log,
    )


def _folders(*folders: Path) -> list[Path]:
    return [folder for folder in folders if folder.is_dir()]
