"""What takes events, orders, evidence and observations."""

from __future__ import annotations

from collections.abc import Mapping

from bot.adapters.chance import SystemChance
from bot.adapters.schedules import CronSchedules
from bot.flow.evidence_desk import EvidenceDesk
from bot.flow.intake import Intake
from bot.flow.observing import Observing
from bot.flow.orders import Orders
from bot.plugins import AlertSource, Checkable
from bot.wiring.core import Core
from handlers.meeting_notes import hear_notes


def build_intake(core: Core, sources: Mapping[str, AlertSource]) -> Intake:
    """The front door."""
    outside = core.outside
    return Intake(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        sources=sources,
        configuration=outside.current,
        consequences=core.consequences,
        orders=_orders(core),
        crash=outside.workshop.crash,
        log=outside.log,
    )


def _orders(core: Core) -> Orders:
    outside = core.outside
    return Orders(
        store=outside.store,
        queue=outside.queue,
        clock=outside.clock,
        ids=outside.ids,
        configuration=outside.current,
        consequences=core.consequences,
        moves=core.moves,
        pinned_files=core.bench.pinned_files,
        checkable=frozenset(name for name, step in outside.workshop.steps.items() if isinstance(step, Checkable)),
        hear=hear_notes,
        schedules=CronSchedules(),
        chance=SystemChance(),
        log=outside.log,
        check=outside.proposed.faults,
    )


def build_observing(core: Core) -> Observing:
    """The door for observations."""
    outside = core.outside
    return Observing(
        store=outside.store, queue=outside.queue, clock=outside.clock, ids=outside.ids, current=outside.current
    )


def build_evidence(core: Core) -> EvidenceDesk:
    """Where evidence is handed in."""
    outside = core.outside
    return EvidenceDesk(outside.store, outside.queue, outside.clock, outside.ids, outside.current)
