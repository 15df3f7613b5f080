"""What a channel or a thread is about, and what is open at all: what words in chat may mean."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.chat import ActiveRun, OpenIncident, Said
from bot.domain.configuration import Configuration
from bot.domain.incidents import Incident
from bot.domain.letters import Medium
from bot.domain.runs import Run, WaitingFor
from bot.ports import Store, Transaction


@dataclass(frozen=True)
class Spot:
    """Where something was said."""

    channel: str
    thread: str | None = None


def read_said(words: str, spot: Spot, store: Store, configuration: Configuration) -> Said:
    """Words with all that they may be about. TryLater where the store is away."""
    services = tuple(sorted(configuration.policies))
    with store.read() as tx:
        open_ones = list(tx.open_incidents(services).values())
        here = incident_at(tx, spot, configuration, open_ones)
        runs = [run_of(tx, run) for run in tx.active_runs(services).values()]
    return Said(
        words.strip(),
        services,
        known(here) if here else None,
        tuple(known(one) for one in sorted(open_ones, key=lambda one: one.opened_at)),
        tuple(runs),
        frozenset(name for policy in configuration.policies.values() for name in policy.targets),
    )


def incident_at(
    tx: Transaction, spot: Spot, configuration: Configuration, open_ones: list[Incident] | None = None
) -> Incident | None:
    """The incident of a thread, whatever became of it; else the only open one of those told in this channel."""
    if spot.thread:
        thread = tx.thread_at(Medium.SLACK, spot.channel, spot.thread)
        found = tx.incident(thread.incident_id) if thread else None
        if found is not None:
            return found
    told = services_told_in(spot.channel, configuration)
    if not told:
        return None
    candidates = open_ones if open_ones is not None else list(tx.open_incidents(told).values())
    hits = [one for one in candidates if one.service in told]
    hits = [one for one in hits if not one.drill] or hits  # what is said while a drill goes on is about what is real
    return hits[0] if len(hits) == 1 else None


def services_told_in(channel: str, configuration: Configuration) -> tuple[str, ...]:
    """The services whose audiences read this channel."""
    return tuple(
        name
        for name, policy in configuration.policies.items()
        if channel and any(audience.slack == channel for audience in policy.audiences.values())
    )


def known(incident: Incident) -> OpenIncident:
    """An incident as words may mean it."""
    return OpenIncident(incident.id, incident.service, incident.environment, incident.title)


def run_of(tx: Transaction, run: Run) -> ActiveRun:
    """A run as words may mean it, with the plan that waits for an answer."""
    waits = run.waiting_for is WaitingFor.APPROVAL
    asked = next((one for one in tx.approvals(run.id) if one.is_open), None) if waits else None
    return ActiveRun(
        run.id,
        run.service,
        run.environment,
        run.playbook.name,
        waits_for_approval=asked is not None,
        plan_hash=asked.plan_hash if asked else "",
    )
