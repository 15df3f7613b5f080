"""What a judgement looks at: one view of a release, its evidence and its policy, and whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.configuration import Configuration
from bot.domain.errors import NotFound, Refused
from bot.domain.gates import GateResult, GateVerdict
from bot.domain.judging import release_facts
from bot.domain.pins import Pin
from bot.domain.policies import Policy
from bot.domain.releases import Release, ReleaseStatus, Service
from bot.domain.stages import Freeze, Stage
from bot.domain.times import format_time
from bot.domain.walks import Walk
from bot.flow.gate_looking import Bench, context_for
from bot.flow.release_moves import ReleaseMoves
from bot.flow.situation import Situation
from bot.gate_plugins import EvidencePiece, GateContext
from bot.ports import Store, Transaction


@dataclass(frozen=True)
class Judged:
    """What came of judging a release's present stage. Without results nothing was run, and `why` says why."""

    release_id: str | None
    service: str
    stage: str | None
    verdict: GateVerdict
    why: str
    results: tuple[GateResult, ...] = ()


@dataclass(frozen=True)
class Seen:
    """One view of a release. `token` changes with everything that gates may rest on in the record."""

    release: Release
    walk: Walk
    pin: Pin
    stage: Stage
    policy: Policy
    """In force now; the pin has the one of the start."""
    service: str
    context: GateContext
    facts: Mapping[str, Any]
    """What templates in the gates' parameters may read."""
    token: tuple[Any, ...]

    def still_holds(self, situation: Situation) -> bool:
        """Whether the release is where it was and nothing new was said, now that its service is locked."""
        release = situation.releases.get(self.service)
        service = situation.services[self.service]
        if release is None or release.id != self.release.id or service.is_halted:
            return False
        is_here = release.stage == self.release.stage and release.status is self.release.status
        return is_here and _token(situation.tx, release.id) == self.token

    def freeze(self, situation: Situation) -> Freeze | None:
        """The freeze that holds, by the policy of the start or by the one in force."""
        return self.pin.policy.frozen_by(situation.now) or self.policy.frozen_by(situation.now)


def see(
    store: Store, moves: ReleaseMoves, bench: Bench, configuration: Configuration, release_id: str
) -> Seen | Judged:
    """The view, or why there is nothing to judge. NotFound where there is no such release."""
    with store.read() as tx:
        release = tx.release(release_id)
        if release is None:
            raise NotFound(f"No release {release_id!r}", next="`andon release list` shows what there is")
        policy = configuration.policy(release.service)
        walk, service = tx.walk(release_id), tx.service(release.service) or Service(release.service)
        if problem := _nothing_to_judge(tx, release, walk, service):
            return problem
        assert walk is not None
        try:
            pin = moves.pin_of(tx, walk)
        except Refused as refusal:
            return Judged(release.id, release.service, release.stage, GateVerdict.UNKNOWN, str(refusal))
        stage = pin.stage(release.stage)
        if stage is None:
            return Judged(release.id, release.service, None, GateVerdict.UNKNOWN, f"it is {release.state}: no stage")
        facts = _facts(release, walk, policy, stage)
        context = _context(store, tx, bench, moves, release, walk, pin, stage, facts)
        token = _token(tx, release_id)
    return Seen(release, walk, pin, stage, policy, release.service, context, facts, token)


def _facts(release: Release, walk: Walk, policy: Policy, stage: Stage) -> dict[str, Any]:
    """What templates in the parameters of gates may read."""
    target = policy.targets.get(stage.place)
    return {
        "service": release.service,
        "environment": stage.place,
        "release": {
            **release_facts(release),
            "kind": str(walk.kind),
            "started_at": format_time(release.opened_at),
            "author": release.author or "",
            "started_by": walk.started_by,
        },
        "target": target.facts() if target else {},
        "incident": {},
        "alert": {},
        "reason": "",
        "steps": {},
    }


def _context(
    store: Store,
    tx: Transaction,
    bench: Bench,
    moves: ReleaseMoves,
    release: Release,
    walk: Walk,
    pin: Pin,
    stage: Stage,
    facts: Mapping[str, Any],
) -> GateContext:
    canary = tx.canary(release.id)
    return context_for(
        bench,
        facts=facts,
        manifest=moves.manifest_of(tx, walk).model_dump(mode="json", exclude_defaults=True),
        stage=stage.name,
        now=bench.clock.now(),
        evidence=_Reader(store, release.id),
        signatures=[one for one in tx.signatures(release.id) if one.withdrawn_at is None],
        holds_role=pin.policy.holds_role,
        same_person=lambda one, other: pin.policy.person(one) == pin.policy.person(other),
        canary=dict(canary.standing) if canary else None,
        live=_live(tx, release.service, stage.place),
    )


def _nothing_to_judge(tx: Transaction, release: Release, walk: Walk | None, service: Service) -> Judged | None:
    if service.is_halted or release.status is ReleaseStatus.HALTED:
        by, reason = service.halted_by or "somebody", service.halt_reason or "no reason given"
        why = f"halted by {by}: {reason}; gates answer fail until somebody lifts the halt"
        return Judged(release.id, release.service, release.stage, GateVerdict.FAIL, why)
    why = _why_not(tx, release, walk)
    return Judged(release.id, release.service, release.stage, GateVerdict.UNKNOWN, why) if why else None


def _why_not(tx: Transaction, release: Release, walk: Walk | None) -> str:
    if not release.is_in_flight:
        return f"release {release.candidate} is {release.status}"
    if walk is None:
        return "it was never started here: `andon release start`"
    if release.stage is None:
        return f"it is {release.state}: there is no stage with gates"
    latest = tx.latest_releases([release.service]).get(release.service)
    if latest is not None and latest.id != release.id:
        return f"release {latest.id} has taken its place"
    running = tx.run(walk.run_id) if walk.run_id else None
    if running is not None and not running.is_ended:
        return f"its stage has passed; run {running.id} is under way ({running.status})"
    return ""


def _token(tx: Transaction, release_id: str) -> tuple[Any, ...]:
    pushed = [one.id for one in tx.evidence_of(release_id) if one.source == "push"]
    signed = [(one.id, one.withdrawn_at) for one in tx.signatures(release_id)]
    return (tuple(pushed), tuple(signed))


def _live(tx: Transaction, service: str, environment: str) -> dict[str, Any]:
    newest = next(iter(tx.live_versions(service, environment, limit=1)), None)
    return {"version": newest.version, "at": format_time(newest.since), "how": newest.how} if newest else {}


@dataclass(frozen=True)
class _Reader:
    """Evidence with its content, read when a gate asks for it."""

    store: Store
    release_id: str

    def __call__(self, name: str | None) -> Sequence[EvidencePiece]:
        with self.store.read() as tx:
            records = [one for one in tx.evidence_of(self.release_id, name=name) if one.source != "judged"]
            files = [(one, tx.kept_file(one.sha256)) for one in records]
        return [EvidencePiece(one, file.content) for one, file in files if file is not None]


def left(store: Store, release_id: str, stage: str | None) -> Judged | None:
    """What the gates said when a release left this stage, or began its playbook; None while it is still to be judged.

    Whoever asks to go on may find that a worker was quicker, and that the present stage is the next one already.
    """
    with store.read() as tx:
        release, walk, results = tx.release(release_id), tx.walk(release_id), tx.gate_results(release_id)
    if release is None or walk is None or stage is None:
        return None
    acts = walk.run_id is not None and release.stage == stage
    if not acts and stage not in walk.passed:
        return None
    newest = {one.position: one for one in sorted(results, key=lambda one: one.at) if one.stage == stage}
    what = f"the playbook of {stage} runs" if acts else f"it is {release.state} now"
    why = f"every gate of {stage} passes; {what}"
    return Judged(release.id, release.service, stage, GateVerdict.PASS, why, tuple(newest.values()))
