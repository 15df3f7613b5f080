"""Starts a release: pins the policy, keeps the manifest, makes sure that there is a way back, and briefs everybody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.attachments import KeptFile
from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, Refused
from bot.domain.live import place_of_release
from bot.domain.manifests import MOST_BYTES, Manifest, read_manifest
from bot.domain.pins import Pin, digest_of
from bot.domain.policies import Policy
from bot.domain.records import AuditEntry
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.stages import working_days_after
from bot.domain.walks import KnownVersion, ReleaseKind, VersionStanding, Walk
from bot.flow.order import Answer, Order
from bot.flow.release_moves import bell_to_judge

_COUNTED = timedelta(days=90)
"""How far back emergencies are counted in the brief of one."""


def start(order: Order) -> Answer:
    """Register a candidate. Its stages and gates are those of the policy in force now, until its end."""
    policy = order.configuration.policy(order.command.subject)
    candidate, manifest = _version(order, "candidate"), _manifest(order)
    _check_free(order, policy)
    incumbent = _incumbent(order, policy)
    if candidate == incumbent:
        raise BadInput(f"Candidate and incumbent are both {candidate}", next="name the version that is to be released")
    pin = _pin(order, policy)
    release, walk = _records(order, pin, manifest, incumbent, candidate)
    _replace_previous(order, policy)
    order.situation.put_release(release)
    order.situation.record(walk, _audit(order, pin, release, walk))
    if pin.stages:
        order.situation.bells.append(bell_to_judge(release.id))
    _brief(order, pin, release, walk)
    after = f"it is in stage {release.stage}" if release.stage else "its policy has no stages"
    message = (
        f"Release {release.id} of {policy.service} is started: {incumbent} -> {candidate}; {after}. "
        f"Next: `andon release show {release.id}`."
    )
    return Answer(Verdict.ORDER, message, policy.service, record_ids=(release.id,))


def _version(order: Order, name: str) -> str:
    value = order.command.details.get(name)
    if not isinstance(value, str) or not value or len(value) > 200 or any(one.isspace() for one in value):
        raise BadInput(f"A {name} is 1 to 200 characters without spaces", next=f"name it with --{name} VERSION")
    return value


def _manifest(order: Order) -> Manifest:
    found = order.command.details.get("manifest") or {}
    manifest = read_manifest(found)
    if len(_canonical(manifest)) > MOST_BYTES:
        raise BadInput(f"The manifest is larger than {MOST_BYTES // 1024} KiB", next="link long documents instead")
    return manifest


def _canonical(manifest: Manifest) -> bytes:
    plain = manifest.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _check_free(order: Order, policy: Policy) -> None:
    """Nothing else of this service is on its way past the point where it can simply be given up."""
    service = order.situation.services[policy.service]
    if service.is_halted:
        raise Refused(
            f"{policy.service} is halted by {service.halted_by}",
            why=service.halt_reason or "no reason given",
            next=f"`andon lift {policy.service}` first",
        )
    before = order.situation.releases.get(policy.service)
    if before is None:
        return
    if before.status in (ReleaseStatus.LIVE, ReleaseStatus.WATCHED):
        raise Refused(
            f"Release {before.id} is {before.status}",
            why="its candidate serves and nobody has accepted it yet",
            next=f"`andon release endorse {before.id}`, or roll it back",
        )
    walk = order.situation.tx.walk(before.id)
    running = order.situation.tx.run(walk.run_id) if walk and walk.run_id else None
    if running is not None and not running.is_ended:
        raise Refused(f"Run {running.id} of release {before.id} is under way", next="halt the service first")


def _incumbent(order: Order, policy: Policy) -> str:
    """The version to go back to: one that was live and endorsed here, or the registered baseline."""
    tx, service = order.situation.tx, policy.service
    asked = _version(order, "incumbent") if order.command.details.get("incumbent") else None
    known = tx.known_versions(service)
    if not known:
        named = policy.baseline or (policy.release.incumbent if policy.release else None)
        baseline = named or asked
        if baseline is None:
            raise BadInput(
                f"No version of {service} is known to go back to", next="name the one that serves with --incumbent"
            )
        known = [KnownVersion(service, baseline, VersionStanding.BASELINE, order.situation.now, order.actor)]
        order.situation.keep(*known)
        data = {"service": service, "version": baseline, "standing": str(VersionStanding.BASELINE)}
        order.situation.record(
            AuditEntry(order.situation.now, order.actor, "version.known", f"service:{service}", data)
        )
    incumbent = asked or _serving(order, policy, known)
    if incumbent not in {one.version for one in known}:
        raise Refused(
            f"{incumbent} may not be the incumbent of {service}",
            why="a rollback restores only a version that was live and endorsed here, or the registered baseline",
            next=f"known are {', '.join(one.version for one in known[:10])}",
        )
    return incumbent


def _serving(order: Order, policy: Policy, known: Sequence[KnownVersion]) -> str:
    """What serves now, where that may be restored; else the newest that may. One that was endorsed, and was rolled
    back later, is not the way back by itself."""
    live = next(iter(order.situation.tx.live_versions(policy.service, place_of_release(policy), placed=True)), None)
    return next((one.version for one in known if live and one.version == live.version), known[0].version)


def _pin(order: Order, policy: Policy) -> Pin:
    kind = _kind(order)
    if kind is ReleaseKind.EMERGENCY and policy.emergency is None:
        raise Refused(
            f"The policy of {policy.service} declares no emergency class",
            why="it has to be declared, with gates of its own, before it is needed",
        )
    pin = Pin(policy=policy, kind=kind)
    playbooks = {stage.do: order.configuration.playbook(stage.do) for stage in pin.stages if stage.do}
    uses = [gate for stage in pin.stages for gate in stage.gates]
    sources = [source for stage in pin.stages for source in stage.evidence]
    return replace(pin, playbooks=playbooks, files=order.pinned_files(uses, sources))


def _kind(order: Order) -> ReleaseKind:
    try:
        return ReleaseKind(str(order.command.details.get("kind") or ReleaseKind.STANDARD))
    except ValueError:
        raise BadInput("A release is standard or an emergency", next=f"kinds: {', '.join(ReleaseKind)}") from None


def _records(order: Order, pin: Pin, manifest: Manifest, incumbent: str, candidate: str) -> tuple[Release, Walk]:
    policy, now = pin.policy, order.situation.now
    content, papers = pin.as_bytes(), _canonical(manifest)
    for kept in (content, papers):
        order.situation.tx.keep_file(KeptFile(digest_of(kept), len(kept), kept, now))
    first = pin.stages[0].name if pin.stages else None
    release = Release(
        id=order.ids.new("rel"),
        service=policy.service,
        incumbent=incumbent,
        candidate=candidate,
        opened_at=now,
        author=manifest.author or str(order.command.details.get("author") or "") or None,
        stage=first,
        declared=policy.release.pair if policy.release else "",
    )
    emergency = policy.emergency if pin.kind is ReleaseKind.EMERGENCY else None
    walk = Walk(
        release.id,
        policy.service,
        order.actor,
        policy.digest,
        digest_of(content),
        kind=pin.kind,
        manifest_digest=digest_of(papers),
        stage_entered_at=now,
        judge_at=now if first else None,
        retrospective_due_at=working_days_after(now, emergency.retrospective_within) if emergency else None,
    )
    return release, walk


def _replace_previous(order: Order, policy: Policy) -> None:
    before, tx = order.situation.releases.get(policy.service), order.situation.tx
    if before is None or not before.is_in_flight or before.status is ReleaseStatus.ENDORSED:
        return
    tx.save(before.at(ReleaseStatus.ABANDONED, None, order.situation.now))
    entry = AuditEntry(
        order.situation.now, order.actor, "release.abandoned", f"release:{before.id}", {"why": "replaced"}
    )
    order.situation.record(entry)
    walk = tx.walk(before.id)
    if walk is not None:
        tx.save(replace(walk, judge_at=None, wanted_by=None, wanted_at=None))


def _audit(order: Order, pin: Pin, release: Release, walk: Walk) -> AuditEntry:
    data = {
        "service": release.service,
        "incumbent": release.incumbent,
        "candidate": release.candidate,
        "kind": str(walk.kind),
        "status": str(release.status),
        "stage": release.stage,
        "policy": walk.policy_digest,
        "pin": walk.pin,
        "manifest": walk.manifest_digest,
        "stages": [one.name for one in pin.stages],
    }
    return AuditEntry(order.situation.now, order.actor, "release.started", f"release:{release.id}", data)


def _brief(order: Order, pin: Pin, release: Release, walk: Walk) -> None:
    """Every audience hears what is coming, and what takes it back, before anything is promoted."""
    facts: dict[str, Any] = order.moves.story(order.situation.tx, pin, release, walk)
    if walk.kind is ReleaseKind.EMERGENCY:
        before = order.situation.tx.emergencies_since(release.service, order.situation.now - _COUNTED)
        facts |= {"emergencies": before + 1, "emergency_days": _COUNTED.days}
    cause = f"event:{order.event_id}"
    order.moves.teller.audiences(order.situation, "release_brief", pin.policy, facts, cause)
