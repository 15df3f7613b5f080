"""Judges every gate of a bundle again: from the facts that were measured, and from the raw evidence they came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from bot.domain.errors import AndonError
from bot.domain.gates import Evidence, Figure, GateResult, GateVerdict, Judgement
from bot.domain.manifests import Manifest, read_manifest
from bot.domain.pins import Pin, digest_of, read_pin
from bot.domain.releases import ReleaseStatus
from bot.domain.stages import CANARY, GateUse
from bot.domain.strict_json import parse_json
from bot.evidence.read_once import ReadOnce
from bot.flow.bundle_reading import Told
from bot.flow.findings import Finding, Same
from bot.flow.gate_looking import Bench, context_for, look_at
from bot.flow.past_outside import PastDrills, PastOutside, past_bench, pinned_files
from bot.flow.release_memory import JUDGED
from bot.flow.release_seeing import facts_of
from bot.flow.result_records import result_digest
from bot.flow.sound_judgements import sound
from bot.gate_plugins import EvidencePiece, Measured


class _NotTold(Exception):
    """It cannot be judged again, and why."""


@dataclass(frozen=True)
class GatesAgain:
    """One bundle. Nothing is asked, fetched, run or written."""

    told: Told
    bench: Bench

    def findings(self) -> Iterator[Finding]:
        """One for each verdict that is recorded."""
        for result in self.told.results:
            yield self._finding(result)

    def _finding(self, result: GateResult) -> Finding:
        if problem := self._against_the_trail(result):
            return _found(result, "", Same.DIFFERS, problem)
        try:
            if problem := self._altered_evidence(result):
                return _found(result, "", Same.DIFFERS, problem)
            judged = self._from_facts(result)
            if judged is None:
                return self._unmeasured(result)
            finding = self._compared(result, judged, "from the facts that were measured")
            if finding.same is not Same.SAME:
                return finding
            again = self._from_evidence(result)
        except _NotTold as reason:
            return _found(result, "", Same.NOT_TOLD, str(reason))
        return self._compared(result, again, "measured again from the raw evidence") if again else finding

    def _compared(self, result: GateResult, again: Judgement, how: str) -> Finding:
        if again.verdict is result.verdict and _figures(again.figures) == _figures(result.figures):
            return _found(result, _in_words(again), Same.SAME)
        if result.id in self.told.marked:
            return _found(result, _in_words(again), Same.NOT_TOLD, "a secret was taken out of the record")
        return _found(result, _in_words(again), Same.DIFFERS, f"{how}: {again.why}")

    def _unmeasured(self, result: GateResult) -> Finding:
        """Without facts there is only one verdict."""
        if result.verdict is GateVerdict.UNKNOWN:
            return _found(result, "unknown", Same.SAME, "nothing was measured")
        return _found(result, "unknown", Same.DIFFERS, "no facts are recorded that it could rest on")

    def _against_the_trail(self, result: GateResult) -> str:
        """The audit trail has the digest of each verdict, in a row that is chained."""
        rows = [one for one in self.told.audit if one.subject == f"gate_result:{result.id}"]
        if result.id in self.told.marked or not rows:
            return ""
        known = {str(one.data.get("digest")) for one in rows}
        return "" if result_digest(result) in known else "the verdict is not the one that the audit trail has"

    def _altered_evidence(self, result: GateResult) -> str:
        for record in self._cited(result):
            content = self.told.content(record.sha256)
            if content is not None and digest_of(content) != record.sha256:
                return f"the content of evidence {record.name} is not what came in: it does not fit its SHA-256"
        walk = self.told.walks.get(result.release_id)
        for what, digest in (("pinned policy", walk.pin), ("manifest", walk.manifest_digest)) if walk else ():
            content = self.told.content(digest) if digest else None
            if content is not None and digest_of(content) != digest:
                return f"the {what} is not the one that its release was started with"
        return ""

    def _cited(self, result: GateResult) -> list[Evidence]:
        return [one for one in self.told.evidence if one.id in result.evidence_ids]

    # From the facts

    def _from_facts(self, result: GateResult) -> Judgement | None:
        """Made again by the same rule. None where nothing was measured."""
        judged = next((one for one in self._cited(result) if one.source == JUDGED), None)
        if judged is None:
            return None
        content = self.told.content(judged.sha256)
        if content is None:
            why = "a secret was taken out of" if self.told.is_cut(judged.sha256) else "the bundle lacks"
            raise _NotTold(f"{why} the facts that were measured")
        gate = self.bench.gates.get(result.use)
        if gate is None:
            raise _NotTold(f"there is no gate called {result.use!r} here")
        try:
            params = gate.Params.model_validate(self._filled(result))
            measured = Measured(json.loads(content), query=result.query)
            return sound(gate.judge(params, measured, self.bench.compile), self.bench.secrets)
        except (ValidationError, ValueError, AndonError) as error:
            raise _NotTold(f"it cannot be judged by this version: {str(error).splitlines()[0]}") from None
        except Exception as error:  # a gate of another package may raise anything
            raise _NotTold(f"the gate broke ({type(error).__name__})") from None

    def _filled(self, result: GateResult) -> Any:
        if "{{" not in json.dumps(result.params, default=str):
            return result.params
        past = self._past(result)
        return self.bench.expressions.fill(result.params, past.facts, secrets=False)

    # From the raw evidence

    def _from_evidence(self, result: GateResult) -> Judgement | None:
        """Measured again; None where it rests on something that is not raw evidence in this bundle."""
        raw = [one for one in self._cited(result) if one.source != JUDGED]
        if not raw or any(self.told.content(one.sha256) is None for one in raw):
            return None
        if result.use == CANARY or CANARY in json.dumps(result.params, default=str):
            return None  # the comparison has gone on since
        past, outside = self._past(result), PastOutside()
        bench = past_bench(self.bench, outside, past.pin.files, result.at)
        use = GateUse.model_validate({"use": result.use, **result.params})
        pin = replace(past.pin, files=pinned_files(bench, use))
        outside.was_asked = False  # a file that is not here any more is asked for once more where it is needed
        look = look_at(bench, pin, use, result.position, self._context(bench, past, result, outside), past.facts)
        is_open = outside.was_asked or (outside.hid_secrets and look.judgement.verdict is GateVerdict.UNKNOWN)
        return None if is_open else look.judgement

    def _past(self, result: GateResult) -> _Past:
        release, walk = self.told.releases.get(result.release_id), self.told.walks.get(result.release_id)
        kept = self.told.content(walk.pin) if walk else None
        if release is None or walk is None or kept is None:
            raise _NotTold("the pinned policy of its release is not in the bundle")
        try:
            pin = read_pin(kept, walk.pin, self.bench.compile)
            manifest = _manifest(self.told, walk.manifest_digest)
        except AndonError as error:
            raise _NotTold(str(error)) from None
        stage = pin.stage(result.stage)
        if stage is None:
            raise _NotTold(f"its release has no stage called {result.stage}")
        is_live = walk.live_at is not None and walk.live_at <= result.at
        status = ReleaseStatus.LIVE if is_live else ReleaseStatus.IN_FLIGHT
        then = replace(release, status=status, stage=stage.name, ended_at=None)
        return _Past(pin, facts_of(then, walk, pin.policy, stage), manifest)

    def _context(self, bench: Bench, past: _Past, result: GateResult, outside: PastOutside) -> Any:
        policy = past.pin.policy
        signed = [one for one in self.told.signatures if one.release_id == result.release_id and one.at <= result.at]
        return context_for(
            bench,
            facts=past.facts,
            manifest=past.manifest,
            stage=result.stage,
            now=result.at,
            evidence=_Pieces(self.told, result.release_id, result.at),
            signatures=[one for one in signed if one.withdrawn_at is None or one.withdrawn_at > result.at],
            holds_role=policy.holds_role,
            same_person=lambda one, other: policy.person(one) == policy.person(other),
            canary=None,
            drills=PastDrills(outside),
        )


@dataclass(frozen=True)
class _Past:
    """What a gate could see of its release."""

    pin: Pin
    facts: Mapping[str, Any]
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class _Pieces:
    """Evidence with its content as it was there at a moment. What a gate fetched then came after its look."""

    told: Told
    release_id: str
    at: datetime
    once: ReadOnce = field(default_factory=ReadOnce)

    def __call__(self, name: str | None) -> Sequence[EvidencePiece]:
        here = [one for one in self.told.evidence if one.release_id == self.release_id and one.source != JUDGED]
        then = [one for one in here if one.at < self.at or (one.at == self.at and one.source == "push")]
        found = [(one, self.told.content(one.sha256)) for one in then if name in (None, one.name)]
        return [EvidencePiece(one, content, self.once) for one, content in found if content is not None]


def _manifest(told: Told, digest: str) -> Mapping[str, Any]:
    content = told.content(digest) if digest else None
    manifest = read_manifest(parse_json(content)) if content else Manifest()
    return manifest.model_dump(mode="json", exclude_defaults=True)


def _figures(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    return [one.as_json() for one in figures]


def _in_words(judged: Judgement) -> str:
    values = ", ".join(f"{one.name} {one.value:g}" for one in judged.figures[:3] if one.value is not None)
    return f"{judged.verdict}{f' ({values})' if values else ''}"


def _found(result: GateResult, again: str, same: Same, why: str = "") -> Finding:
    recorded = _in_words(Judgement(result.verdict, result.why, result.figures))
    return Finding("gate", result.id, f"{result.stage}: {result.name}", recorded, again, same, why)
