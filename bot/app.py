"""The only file that knows every part: builds the program from its settings, for every process and for tests."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from bot.adapters.chance import SystemChance
from bot.adapters.conditions import compile_condition
from bot.adapters.configuration.gate_files import files_of
from bot.adapters.configuration.in_force import ConfigurationHolder
from bot.adapters.data_folder import open_data_folder
from bot.adapters.glossary import load_glossary
from bot.adapters.identity import SystemClock
from bot.adapters.letters import LetterWriter
from bot.adapters.media import open_enclosures, open_media
from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.paging.messenger import PageSender
from bot.adapters.schedules import CronSchedules
from bot.adapters.secrets import EnvironmentSecrets
from bot.adapters.shipped import shipped_folder
from bot.adapters.sql import SqlStore
from bot.clockwork import build_sweep
from bot.domain.events import Actor
from bot.flow.bundle_desk import BundleDesk
from bot.flow.chores import Rounds
from bot.flow.consequences import Consequences
from bot.flow.drilling import Drilling
from bot.flow.endings import Endings
from bot.flow.evidence_desk import EvidenceDesk
from bot.flow.folding import Folder
from bot.flow.freshening import Freshener
from bot.flow.gate_looking import Bench
from bot.flow.intake import Intake
from bot.flow.lease import LeaseKeeper
from bot.flow.moving import Mover
from bot.flow.notices import NoticeDesk
from bot.flow.observing import Observing
from bot.flow.orders import Orders
from bot.flow.release_judging import Judge
from bot.flow.release_moves import ReleaseMoves
from bot.flow.release_telling import ReleaseTeller
from bot.flow.runner import Runner
from bot.flow.stepping import Workshop
from bot.flow.sweep import Sweep
from bot.flow.telling import Teller
from bot.gate_plugins import Gate
from bot.outside import Outside, api_tokens, folders_of, open_bundles, open_outside, webhook_token
from bot.plugins import AlertSource, Checkable, Step
from bot.ports import Clock, Ids, Log, Pager, Queue
from bot.settings import Settings
from handlers.meeting_notes import hear_notes

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
    judge: Judge
    evidence: EvidenceDesk
    bundles: BundleDesk
    moves: ReleaseMoves
    observing: Observing
    folder: Folder
    drilling: Drilling
    gates: Mapping[str, Gate]
    workshop: Workshop
    pagers: Mapping[str, Pager]
    owner: str
    stopping: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """Close connections; the program can be built again afterwards."""
        self.store.close()
        self.workshop.http.close()


def build_app(settings: Settings, *, clock: Clock | None = None) -> App:
    """The whole program. Raises ConfigError with every fault where the configuration or a setting cannot be used.

    `clock` replaces the host's, for tests; leases and what is due go by the database's clock all the same.
    """
    if settings.is_embedded_database or settings.is_embedded_redis or settings.api_tokens is None:
        open_data_folder(settings.data)
    outside = open_outside(settings, clock or SystemClock())
    return App(
        settings=settings,
        tokens=api_tokens(settings),
        webhook_token=webhook_token(settings),
        sources=outside.sources,
        steps=outside.workshop.steps,
        gates=outside.gates,
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


def _build_flow(settings: Settings, outside: Outside) -> dict[str, Any]:
    teller = Teller(outside.ids, settings.address, settings.media)
    endings = Endings(outside.ids, teller, outside.current)
    consequences = Consequences(outside.ids, teller)
    moves = ReleaseMoves(outside.ids, ReleaseTeller(outside.ids, teller), compile_condition)
    mover = Mover(outside.ids, outside.current, endings, consequences, moves)
    bench = _bench(outside)
    intake = _intake(outside, consequences, moves, bench)
    rounds = Rounds(outside.store, outside.queue, outside.clock, outside.ids, outside.current, consequences)
    return {
        "intake": intake,
        "judge": _judge(outside, moves, bench, intake),
        "evidence": EvidenceDesk(outside.store, outside.queue, outside.clock, outside.ids, outside.current),
        "bundles": open_bundles(settings, outside),
        "moves": moves,
        **_canaries(outside, intake),
        "drilling": Drilling(rounds, outside.workshop, intake.accept, outside.workshop.crash),
        "runner": _runner(settings, outside, mover),
        "notices": _desk(settings, outside, teller),
        "sweep": build_sweep(settings, outside, rounds, endings, intake, moves),
    }


def _bench(outside: Outside) -> Bench:
    gates = outside.gates
    return Bench(
        gates=gates,
        http=outside.workshop.http,
        processes=outside.workshop.processes,
        expressions=outside.workshop.expressions,
        secrets=outside.secrets,
        files=outside.files,
        compile=compile_condition,
        clock=outside.clock,
        code_version=f"andon {version('andon')}",
        names_of=lambda use: files_of(use, gates),
    )


def _judge(outside: Outside, moves: ReleaseMoves, bench: Bench, intake: Intake) -> Judge:
    return Judge(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        configuration=outside.current,
        moves=moves,
        bench=bench,
        order=intake.order,
        crash=outside.workshop.crash,
        log=outside.log,
    )


def _desk(settings: Settings, outside: Outside, teller: Teller) -> NoticeDesk:
    templates = folders_of(settings.config / "templates", shipped_folder("templates"))
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


def _intake(outside: Outside, consequences: Consequences, moves: ReleaseMoves, bench: Bench) -> Intake:
    orders = Orders(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        configuration=outside.current,
        consequences=consequences,
        moves=moves,
        pinned_files=bench.pinned_files,
        checkable=frozenset(name for name, step in outside.workshop.steps.items() if isinstance(step, Checkable)),
        hear=hear_notes,
        schedules=CronSchedules(),
        chance=SystemChance(),
        log=outside.log,
        check=outside.proposed.faults,
    )
    return Intake(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        sources=outside.sources,
        configuration=outside.current,
        consequences=consequences,
        orders=orders,
        crash=outside.workshop.crash,
        log=outside.log,
    )


def _canaries(outside: Outside, intake: Intake) -> dict[str, Any]:
    parts: dict[str, Any] = {one: getattr(outside, one) for one in ("store", "queue", "clock", "ids", "current")}
    folder = Folder(accept=intake.accept, crash=outside.workshop.crash, log=outside.log, judges=True, **parts)
    return {"observing": Observing(**parts), "folder": folder}


def _runner(settings: Settings, outside: Outside, mover: Mover) -> Runner:
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
