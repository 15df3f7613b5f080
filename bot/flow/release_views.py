"""What is shown of releases: plain JSON values for the API, `--json` and the pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.domain.errors import AndonError
from bot.domain.gates import Evidence, GateResult, GateVerdict, Signature
from bot.domain.manifests import Manifest
from bot.domain.pins import Pin
from bot.domain.releases import Release, ReleaseStatus, Service
from bot.domain.stages import Stage
from bot.domain.times import format_time
from bot.domain.walking import newest_of, verdict_over
from bot.domain.walks import Walk
from bot.flow import release_shapes as shapes
from bot.flow.release_moves import ReleaseMoves
from bot.flow.views import release_view
from bot.ports import Transaction

NOT_RUN = "not_run"
_MOST_EVIDENCE = 200


def release_detail(tx: Transaction, release: Release, moves: ReleaseMoves) -> shapes.ReleaseDetail:
    """A release with everything that is known of its way."""
    walk = tx.walk(release.id)
    pin = _pin(tx, walk, moves)
    results = tx.newest_results(release.id)
    stages = [_stage_view(one, release, walk, results) for one in pin.stages] if pin else []
    here = next((one for one in stages if one["state"] == "here"), None)
    shown = release_view(release)
    assert shown is not None
    return {
        **shown,
        "author": release.author,
        "kind": str(walk.kind) if walk else "standard",
        "started_by": walk.started_by if walk else None,
        "policy_digest": walk.policy_digest if walk else None,
        "pin": walk.pin if walk else None,
        "run_id": walk.run_id if walk else None,
        "wanted_by": walk.wanted_by if walk else None,
        "second_person": walk.second_person if walk else None,
        "live_at": _time(walk.live_at) if walk else None,
        "watched_at": _time(walk.watched_at) if walk else None,
        "endorsed_at": _time(walk.endorsed_at) if walk else None,
        "endorsed_by": walk.endorsed_by if walk else None,
        "retrospective_due_at": _time(walk.retrospective_due_at) if walk else None,
        "retrospective_at": _time(walk.retrospective_at) if walk else None,
        "retrospective": walk.retrospective if walk else "",
        "verdict": here["verdict"] if here else str(GateVerdict.UNKNOWN),
        "stages": stages,
        "manifest": _manifest(tx, walk, moves).model_dump(mode="json", exclude_defaults=True),
        "evidence": [evidence_view(one) for one in _shown(tx.evidence_of(release.id))],
        "signatures": [_signature_view(one) for one in tx.signatures(release.id)],
        "unplanned_dependencies": [
            {"on_service": one.on_service, "what": one.what, "found_at": format_time(one.found_at), "why": one.why}
            for one in tx.unplanned_dependencies(release.id)
        ],
    }


def gate_answer(tx: Transaction, service: Service, moves: ReleaseMoves) -> shapes.GateAnswer:
    """What the gates say as things are known: nothing is run for it. A halted service answers fail."""
    release = tx.latest_releases([service.name]).get(service.name)
    walk = tx.walk(release.id) if release else None
    pin = _pin(tx, walk, moves)
    stage = pin.stage(release.stage) if pin and release else None
    results = tx.newest_results(release.id) if release else ()
    answer: shapes.GateAnswer = {
        "service": service.name,
        "verdict": str(GateVerdict.UNKNOWN),
        "why": "",
        "release_id": release.id if release else None,
        "candidate": release.candidate if release else None,
        "stage": stage.name if stage else None,
        "gates": _gates(stage, walk, results) if stage else [],
    }
    if service.is_halted or (release is not None and release.status is ReleaseStatus.HALTED):
        why = f"halted by {service.halted_by or 'somebody'}: {service.halt_reason or 'no reason given'}"
        return {**answer, "verdict": str(GateVerdict.FAIL), "why": why}
    if stage is None or release is None or not release.is_in_flight:
        return {**answer, "why": f"the release is {release.state}" if release else "there is no release under way"}
    open_ones = [one for one in answer["gates"] if one["verdict"] != "pass"]
    why = "; ".join(f"{one['name']}: {one['verdict'].replace('_', ' ')} {one['why']}".strip() for one in open_ones)
    return {**answer, "verdict": _verdict(stage, walk, results), "why": why or "every gate passes"}


def _verdict(stage: Stage, walk: Walk | None, results: Sequence[GateResult]) -> str:
    return str(verdict_over(stage, _of_this_time(walk, results)))


def _of_this_time(walk: Walk | None, results: Sequence[GateResult]) -> list[GateResult]:
    """Results since the stage was entered: those of an earlier time say nothing any more."""
    since = walk.stage_entered_at if walk else None
    return [one for one in results if since is None or one.at >= since]


def _stage_view(stage: Stage, release: Release, walk: Walk | None, results: Sequence[GateResult]) -> shapes.StageView:
    passed = walk is not None and stage.name in walk.passed
    state = "here" if release.stage == stage.name else "passed" if passed else "ahead"
    relevant = _of_this_time(walk, results) if state == "here" else results
    return {
        "name": stage.name,
        "summary": stage.summary,
        "state": state,
        "verdict": str(verdict_over(stage, relevant)),
        "advance": str(stage.advance),
        "environment": stage.place,
        "window_seconds": stage.window.total_seconds(),
        "do": stage.do,
        "owner": stage.owner,
        "gates": _gates(stage, walk if state == "here" else None, results),
    }


def _gates(stage: Stage, walk: Walk | None, results: Sequence[GateResult]) -> list[shapes.GateView]:
    found = newest_of(stage, _of_this_time(walk, results))
    views = []
    for position, gate in enumerate(stage.gates):
        result = found.get(position)
        views.append(_gate_view(result) if result else _not_run(position, gate.use, gate.name))
    return views


def _gate_view(result: GateResult) -> shapes.GateView:
    figures: list[Any] = [one.as_json() for one in result.figures]
    return {
        "position": result.position,
        "use": result.use,
        "name": result.name,
        "verdict": str(result.verdict),
        "why": result.why,
        "at": format_time(result.at),
        "result_id": result.id,
        "figures": figures,
        "details": dict(result.details),
        "query": result.query,
        "evidence_ids": list(result.evidence_ids),
        "code_version": result.code_version,
        "by": result.by,
    }


def _not_run(position: int, use: str, name: str | None) -> shapes.GateView:
    return {
        "position": position,
        "use": use,
        "name": name or use,
        "verdict": NOT_RUN,
        "why": "",
        "at": None,
        "result_id": None,
        "figures": [],
        "details": {},
        "query": "",
        "evidence_ids": [],
        "code_version": "",
        "by": "",
    }


def _shown(found: Sequence[Evidence]) -> list[Evidence]:
    """Newest first; what gates kept while they looked, each minute perhaps, never crowds out what was handed in."""
    given = [one for one in found if one.source != "judged"][:_MOST_EVIDENCE]
    kept = [one for one in found if one.source == "judged"][: _MOST_EVIDENCE - len(given)]
    chosen = {one.id for one in (*given, *kept)}
    return [one for one in found if one.id in chosen]


def evidence_view(evidence: Evidence) -> shapes.EvidenceView:
    """One piece of evidence, without its content."""
    return {
        "id": evidence.id,
        "name": evidence.name,
        "media": evidence.media,
        "sha256": evidence.sha256,
        "size": evidence.size,
        "at": format_time(evidence.at),
        "by": evidence.by,
        "source": evidence.source,
        "about": evidence.about,
        "version": evidence.version,
    }


def _signature_view(signature: Signature) -> shapes.SignatureView:
    return {
        "id": signature.id,
        "subject": signature.subject,
        "by": signature.by,
        "at": format_time(signature.at),
        "role": signature.role,
        "note": signature.note,
        "withdrawn_at": _time(signature.withdrawn_at),
    }


def _pin(tx: Transaction, walk: Walk | None, moves: ReleaseMoves) -> Pin | None:
    """The pin, where it can be read: a page shows what it can, and the gates say what is wrong."""
    if walk is None:
        return None
    try:
        return moves.pin_of(tx, walk)
    except AndonError:
        return None


def _manifest(tx: Transaction, walk: Walk | None, moves: ReleaseMoves) -> Manifest:
    if walk is None:
        return Manifest()
    try:
        return moves.manifest_of(tx, walk)
    except AndonError:
        return Manifest()


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
