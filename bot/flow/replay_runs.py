"""Runs the playbook of a bundle once more, as a drill, through the engine of all runs, away from production."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain.configuration import Configuration
from bot.domain.decisions import Decision, Verdict
from bot.domain.drill_rules import LEAST_PATIENCE, is_production, production_hosts
from bot.domain.errors import NotFound, Refused
from bot.domain.events import Actor, Disposition, Event, Role
from bot.domain.playbooks import PlaybookKind, plan_hash
from bot.domain.policies import AUTOMATIC, Policy
from bot.domain.records import AuditEntry
from bot.domain.runs import Run, RunStatus, WaitingFor
from bot.flow.orders import SOURCE
from bot.flow.planning import BARRED, Cause, bound_facts, plan_facts
from bot.flow.situation import bell_for
from bot.ports import Clock, Ids, Queue, Store

_OUT_OF_THE_RECORD = ("release", "incident", "alert", "reason")
_FREEZES = "freeze_release"
PATIENCE = timedelta(seconds=3)
"""So long a worker may leave the run lying before this process moves it on by itself."""
_EVERY = 0.1


@dataclass(frozen=True)
class Replayed:
    """Which bundle is replayed, for the record."""

    about: str
    """`incident:inc-…` or `release:rel-…`."""
    sha256: str
    key: str


@dataclass(frozen=True)
class ReplayRuns:
    """Plans such runs and sees them to their end."""

    store: Store
    queue: Queue
    clock: Clock
    ids: Ids
    configuration: Configuration
    verbs: frozenset[str]
    """The steps that there are here."""
    advance: Callable[[str], None]
    pause: Callable[[float], object]

    def planned(self, recorded: Run, environment: str) -> Run:
        """The run that would be made. NotFound and Refused where it may not be."""
        policy = self.configuration.policy(recorded.service)
        self._check(recorded, policy, environment)
        place, cause = (policy.service, environment), Cause(event_id="", within=timedelta(0))
        facts = plan_facts(policy, place, release=None, incident=None, cause=cause)
        facts |= {name: recorded.facts[name] for name in _OUT_OF_THE_RECORD if name in recorded.facts}
        facts[BARRED] = list(production_hosts(self.configuration.policies.values()))
        now = self.clock.now()
        return Run.planned(
            playbook=recorded.playbook,
            id=self.ids.new("run"),
            service=policy.service,
            environment=environment,
            plan_hash=plan_hash(recorded.playbook, bound_facts(facts)),
            facts=facts,
            accepted_at=now,
            deadline=now + (recorded.deadline - recorded.accepted_at),
            authority=AUTOMATIC,
            drill=True,
        )

    def _check(self, recorded: Run, policy: Policy, environment: str) -> None:
        name = recorded.playbook.name
        if is_production(policy, environment):
            raise Refused(f"{environment} is production", why="a bundle is never replayed there", next="name staging")
        target = policy.targets.get(environment)
        if target is None:
            known = ", ".join(policy.targets) or "none"
            raise NotFound(f"{policy.service} has no environment {environment!r}", next=f"its policy names {known}")
        shared = set(target.allow_hosts) & set(production_hosts(self.configuration.policies.values()))
        if shared:
            raise Refused(
                f"{environment} of {policy.service} shares {', '.join(sorted(shared))} with production",
                why="a replay must not be able to call it",
                next="give that environment hosts of its own",
            )
        if recorded.kind is PlaybookKind.PROMOTE:
            raise Refused(f"{name} promotes", why="such a playbook runs only out of a passed stage", next="--dry-run")
        uses = {action.use for step in recorded.playbook.steps for action in (step, step.undo, step.check) if action}
        if _FREEZES in uses:
            raise Refused(f"{name} freezes promotion", why="that would halt the service itself", next="--dry-run")
        if missing := sorted(uses - self.verbs):
            raise Refused(f"{name} uses {', '.join(missing)}", why="there are no such steps here", next="--dry-run")

    def start(self, recorded: Run, environment: str, actor: Actor, replayed: Replayed) -> Run:
        """Plan it in one commit with its event, its decision and its audit row, and ring. Refused where the place is
        busy, or the actor may not."""
        if actor.role.rank < Role.OPERATOR.rank:
            raise Refused(f"{actor.name} may not replay a bundle", why="that is for operators", next="set ANDON_TOKEN")
        with self.store.write() as tx:
            standing = tx.standing([recorded.service])
            busy = standing.runs.get((recorded.service, environment))
            if busy is not None:
                raise Refused(f"Run {busy.id} is at {environment} already ({busy.status})", next="let it end first")
            if (drill := tx.running_drill(recorded.service, environment)) is not None:
                raise Refused(f"Drill {drill.id} goes on in {environment}", next="let it end first")
            event_id = self.ids.new("evt")
            run = self.planned(recorded, environment)
            run = Run.planned(**_fields(run), event_id=event_id, requested_by=actor.name)
            tx.add(*self._records(run, event_id, actor, replayed), run)
        self.queue.ring([bell_for(run)])
        return run

    def _records(self, run: Run, event_id: str, actor: Actor, replayed: Replayed) -> tuple[Any, ...]:
        now, body = run.accepted_at, {"bundle": replayed.about, "sha256": replayed.sha256, "key": replayed.key}
        event = Event(
            id=event_id,
            source=SOURCE,
            dedup_key=event_id,
            accepted_at=now,
            disposition=Disposition.ACCEPTED,
            body=json.dumps({"word": "replay", **body}).encode(),
            actor=actor.name,
            run_ids=(run.id,),
        )
        decision = Decision(
            id=self.ids.new("dec"),
            event_id=event_id,
            at=now,
            verdict=Verdict.ORDER,
            reason=f"{actor.name} replays {run.playbook.name} of the bundle of {replayed.about}",
            actor=actor.name,
            service=run.service,
            environment=run.environment,
            run_id=run.id,
        )
        data = {**body, "environment": run.environment, "playbook": run.playbook.name, "plan": run.plan_hash}
        return event, AuditEntry(now, actor.name, "bundle.replayed", f"run:{run.id}", data), decision

    def ended(self, run: Run, until: datetime) -> Run:
        """The run once it is over, needs a person or waits for one, or as it is at `until`.

        Workers take it where there are any. Where nobody does, this process moves it on: the lease sees to it that
        only one of them does."""
        lying_since: datetime | None = None
        while True:
            with self.store.read() as tx:
                found, lease = tx.run(run.id) or run, tx.lease(run.id)
            now = self.clock.now()
            if _is_settled(found) or now >= until:
                return found
            is_due = lease is None and (found.wake_at is None or found.wake_at <= now)
            lying_since = (lying_since or now) if is_due else None
            if lying_since is not None and now - lying_since >= PATIENCE:
                self.advance(run.id)
                continue
            self.pause(_EVERY)


def patience_for(run: Run) -> timedelta:
    """How long a replay is waited for."""
    return max(run.deadline - run.accepted_at, LEAST_PATIENCE)


def _is_settled(run: Run) -> bool:
    asks = run.status is RunStatus.WAITING and run.waiting_for is WaitingFor.APPROVAL
    return run.is_ended or run.status is RunStatus.NEEDS_HUMAN or asks


def _fields(run: Run) -> dict[str, Any]:
    left_out = ("steps", "event_id", "requested_by")
    return {name: value for name, value in vars(run).items() if name not in left_out}
