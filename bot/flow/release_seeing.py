"""What a judgement looks at: one view of a release, its evidence and its policy, and whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.attachments import KeptFile
from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError, NotFound, Refused
from bot.domain.gates import Evidence, GateResult, GateVerdict
from bot.domain.judging import release_facts
from bot.domain.manifests import Manifest
from bot.domain.permits import is_same_person
from bot.domain.pins import Pin, digest_of
from bot.domain.policies import Mode, Policy, PolicyRelease
from bot.domain.releases import Release, ReleaseStatus, Service
from bot.domain.stages import Freeze, Stage
from bot.domain.times import format_time
from bot.domain.walking import newest_of
from bot.domain.walks import Walk
from bot.evidence.read_once import ReadOnce
from bot.flow.drill_facts import judged_drills
from bot.flow.gate_looking import Bench, context_for
from bot.flow.orders import SOURCE
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
    at: datetime
    """When the look began."""
    owed: tuple[GateResult, ...] = ()
    """Verdicts of the last judgement that failed, where the halt that follows from them was never given."""

    def still_holds(self, situation: Situation, walk: Walk) -> bool:
        """Whether the release is where it was and nothing new was said, now that its service is locked."""
        release = situation.releases.get(self.service)
        service = situation.services[self.service]
        if release is None or release.id != self.release.id or service.is_halted:
            return False
        if walk.judge_at is not None and self.at < walk.judge_at <= situation.now:
            return False  # somebody asked for another look after this one began, by a lift for instance
        is_here = release.stage == self.release.stage and release.status is self.release.status
        return is_here and _token(situation.tx, release.id) == self.token

    def freeze(self, situation: Situation) -> Freeze | None:
        """The freeze that holds, by the policy of the start or by the one in force."""
        return self.pin.policy.frozen_by(situation.now) or self.policy.frozen_by(situation.now)


@dataclass(frozen=True)
class _Subject:
    """A release that can be judged, with what its judgement is taken from."""

    release: Release
    walk: Walk
    pin: Pin
    stage: Stage
    policy: Policy
    manifest: Manifest


def see(
    store: Store, moves: ReleaseMoves, bench: Bench, configuration: Configuration, release_id: str
) -> Seen | Judged:
    """The view, or why there is nothing to judge. NotFound where there is no such release."""
    at = bench.clock.now()
    with store.read() as tx:
        found = _subject(tx, moves, configuration, release_id)
        if isinstance(found, Judged):
            return found
        token, owed = _token(tx, release_id), _owed(tx, found)
        facts = facts_of(found.release, found.walk, found.policy, found.stage)
        context = _context(store, tx, bench, found, facts)
    release, walk = found.release, found.walk
    return Seen(
        release, walk, found.pin, found.stage, found.policy, release.service, context, facts, token, at, owed=owed
    )


def is_at_rest(tx: Transaction, moves: ReleaseMoves, configuration: Configuration, release_id: str) -> bool:
    """Whether there is nothing to judge of a release as it is now."""
    return isinstance(_subject(tx, moves, configuration, release_id), Judged)


def _subject(tx: Transaction, moves: ReleaseMoves, configuration: Configuration, release_id: str) -> _Subject | Judged:
    release = tx.release(release_id)
    if release is None:
        raise NotFound(f"No release {release_id!r}", next="`andon release list` shows what there is")
    walk, service = tx.walk(release_id), tx.service(release.service) or Service(release.service)
    if problem := _nothing_to_judge(tx, release, walk, service):
        return problem
    assert walk is not None
    try:
        policy, pin = configuration.policy(release.service), moves.pin_of(tx, walk)
        manifest = moves.manifest_of(tx, walk)
    except AndonError as error:
        return Judged(release.id, release.service, release.stage, GateVerdict.UNKNOWN, str(error))
    stage = pin.stage(release.stage)
    if stage is None:
        return Judged(release.id, release.service, None, GateVerdict.UNKNOWN, f"it is {release.state}: no stage")
    return _Subject(release, walk, pin, stage, policy, manifest)


def _owed(tx: Transaction, found: _Subject) -> tuple[GateResult, ...]:
    """What failed in the last judgement, where its worker died before it could halt. A lift settles what was owed."""
    if found.pin.policy.mode is not Mode.ACT or found.walk.judged_at is None:
        return ()
    newest = newest_of(found.stage, tx.gate_results(found.release.id, limit=2 * len(found.stage.gates) + 1))
    failed = [one for one in newest.values() if one.verdict is GateVerdict.FAIL and one.at == found.walk.judged_at]
    failed.sort(key=lambda one: one.position)
    if not failed or tx.events_by_key(SOURCE, [halt_key(failed[0].id)]):
        return ()
    return tuple(failed)


def halt_key(result_id: str) -> str:
    """The delivery of the halt that follows from a verdict, so that it is given once however often it is tried."""
    return f"gate:{result_id}"


def facts_of(release: Release, walk: Walk, policy: Policy, stage: Stage) -> dict[str, Any]:
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


def _context(store: Store, tx: Transaction, bench: Bench, found: _Subject, facts: Mapping[str, Any]) -> GateContext:
    release, pin, policy = found.release, found.pin.policy, found.policy
    canary = tx.canary(release.id)
    return context_for(
        bench,
        facts=facts,
        manifest=found.manifest.model_dump(mode="json", exclude_defaults=True),
        stage=found.stage.name,
        now=bench.clock.now(),
        evidence=_Reader(store, release.id),
        signatures=[one for one in tx.signatures(release.id) if one.withdrawn_at is None],
        # Whoever lost a role meanwhile does not count any more; whoever was given one later does not count yet.
        holds_role=lambda person, role: pin.holds_role(person, role) and policy.holds_role(person, role),
        same_person=lambda one, other: is_same_person((pin, policy), one, other),
        canary=dict(canary.standing) if canary else None,
        live=_live(tx, release.service, found.stage.place),
        drills=judged_drills(tx, release.service),
    )


def _nothing_to_judge(tx: Transaction, release: Release, walk: Walk | None, service: Service) -> Judged | None:
    if service.is_halted or release.status is ReleaseStatus.HALTED:
        return halted(service, release)
    why = _why_not(tx, release, walk)
    return Judged(release.id, release.service, release.stage, GateVerdict.UNKNOWN, why) if why else None


def halted(service: Service, release: Release | None) -> Judged:
    """What gates answer while a service is halted, whatever else is known of it."""
    by, reason = service.halted_by or "somebody", service.halt_reason or "no reason given"
    why = f"halted by {by}: {reason}; gates answer fail until somebody lifts the halt"
    return Judged(
        release.id if release else None, service.name, release.stage if release else None, GateVerdict.FAIL, why
    )


def is_new(named: PolicyRelease, release: Release | None, walk: Walk | None) -> bool:
    """Whether the pair of versions in a policy was never started: it is not the one of the newest release, and that
    one is over or endorsed; what is on its way goes on."""
    if release is None or (walk is None and release.is_in_flight):
        return True
    is_done = release.status.is_over or release.status is ReleaseStatus.ENDORSED
    return is_done and release.candidate != named.candidate and release.declared not in (None, named.pair)


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
    """Evidence with its content, read when a gate asks for it, and once for all gates of a judging."""

    store: Store
    release_id: str
    once: ReadOnce = field(default_factory=ReadOnce)

    def __call__(self, name: str | None) -> Sequence[EvidencePiece]:
        with self.store.read() as tx:
            records = [one for one in tx.evidence_of(self.release_id, name=name) if one.source != "judged"]
            files = [(one, tx.kept_file(one.sha256)) for one in records]
        return [EvidencePiece(one, _content(one, file), self.once) for one, file in files]


def _content(record: Evidence, file: KeptFile | None) -> bytes:
    """The content as it came in. Refused where it was lost or altered: an older piece never takes its place."""
    if file is None:
        raise Refused(f"The content of evidence {record.name} ({record.id}) is lost", next="push it again as it was")
    if digest_of(file.content) != record.sha256:
        raise Refused(
            f"The content of evidence {record.name} ({record.id}) is not what came in",
            why="it does not fit its SHA-256",
            next="somebody altered the database: `andon audit verify`, then start a new release",
        )
    return file.content


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
