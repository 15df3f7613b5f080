"""Judges the stages of recorded releases by another policy, on what was recorded of them and on nothing newer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from bot.domain.errors import AndonError
from bot.domain.gates import GateVerdict, Judgement, worst
from bot.domain.pins import Pin
from bot.domain.policies import Mode, Policy
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.stages import CANARY, GateUse, Stage
from bot.flow.gate_looking import Bench, Look, context_for, look_at, title_of
from bot.flow.past_outside import PastDrills, PastOutside, past_bench, pinned_files
from bot.flow.release_memory import JUDGED, Memory, Moment, Move, PastEvidence, moves_of, remembered
from bot.flow.release_seeing import facts_of
from bot.flow.stage_outcomes import GateOutcome, StageOutcome
from bot.gate_plugins import GateContext, Measured
from bot.ports import Store

_PAGE = 200
NOT_KNOWN = "it cannot be asked of then, and this gate with these parameters was not judged then"


class Replayer:
    """The releases that were opened since then, by any policy. Nothing is asked, fetched, run or written."""

    def __init__(self, store: Store, bench: Bench, *, since: datetime, now: datetime) -> None:
        self._store = store
        self._bench = bench
        self._since = since
        self._now = now
        self.releases: set[str] = set()
        """Ids of those that were judged."""

    def outcomes(self, policy: Policy) -> Sequence[StageOutcome]:
        """Each stage with gates that a release of this policy's service got to, up to the first that halts it."""
        found: list[StageOutcome] = []
        for release in self._released(policy.service):
            moves = self._moves.get(release.id, ())
            memory = remembered(self._store, release, moves, self._now, self._bench.compile)
            if memory is not None:
                self.releases.add(release.id)
                found += self._of_release(memory, policy)
        return found

    @cached_property
    def _moves(self) -> Mapping[str, Sequence[Move]]:
        return moves_of(self._store)

    def _released(self, service: str) -> Iterator[Release]:
        before: str | None = None
        while True:
            with self._store.read() as tx:
                page = tx.releases(limit=_PAGE, before=before, service=service)
            for release in page:
                if release.opened_at < self._since:
                    return
                yield release
            if len(page) < _PAGE:
                return
            before = page[-1].id

    def _of_release(self, memory: Memory, policy: Policy) -> Iterator[StageOutcome]:
        pin = Pin(policy, memory.walk.kind)
        last = Moment(memory.release.opened_at, was_left=True)
        for stage in pin.stages:
            moment = memory.moments.get(stage.name)
            if moment is None and not last.was_left:
                return
            last = moment or last
            if not stage.gates:
                continue
            outcome = _Replay(self._store, self._bench, memory, policy, stage, last).outcome()
            yield outcome
            if outcome.is_halt:
                return


@dataclass(frozen=True)
class _Replay:
    """One stage of one release by one policy."""

    store: Store
    bench: Bench
    memory: Memory
    policy: Policy
    stage: Stage
    moment: Moment

    def outcome(self) -> StageOutcome:
        evidence = PastEvidence(self.store, self.memory.evidence, self.moment.at)
        gates = tuple(self._gate(use, position, evidence) for position, use in enumerate(self.stage.gates))
        return StageOutcome(
            release_id=self.memory.release.id,
            stage=self.stage.name,
            environment=self.stage.place,
            at=self.moment.at,
            verdict=worst(one.verdict for one in gates),
            was_left=self.moment.was_left,
            acts=self.policy.mode is Mode.ACT,
            gates=gates,
        )

    def _gate(self, use: GateUse, position: int, evidence: PastEvidence) -> GateOutcome:
        past = PastOutside()
        standing, is_known = self.memory.canary_at(self.moment.at)
        if not is_known and use.use == CANARY:
            look = self._of_canary_facts(use, position, evidence)
            return self._of_then(use) if look is None else _outcome(look)
        if not is_known and CANARY in json.dumps(use.params, default=str):
            return self._of_then(use)
        bench = past_bench(self.bench, past, self.memory.files, self.moment.at)
        facts = facts_of(self._release(), self.memory.walk, self.policy, self.stage)
        pin = Pin(self.policy, self.memory.walk.kind, files=pinned_files(bench, use))
        look = look_at(bench, pin, use, position, self._context(bench, facts, evidence, standing, past), facts)
        is_open = past.was_asked or (past.hid_secrets and look.judgement.verdict is GateVerdict.UNKNOWN)
        return self._of_then(use) if is_open else _outcome(look)

    def _context(
        self,
        bench: Bench,
        facts: Mapping[str, Any],
        evidence: PastEvidence,
        standing: Mapping[str, Any] | None,
        past: PastOutside,
    ) -> GateContext:
        return context_for(
            bench,
            facts=facts,
            manifest=self.memory.manifest,
            stage=self.stage.name,
            now=self.moment.at,
            evidence=evidence,
            signatures=self.memory.signed(self.moment.at),
            holds_role=self.policy.holds_role,
            same_person=lambda one, other: self.policy.person(one) == self.policy.person(other),
            canary=standing,
            drills=PastDrills(past),
        )

    def _release(self) -> Release:
        """As it was then."""
        live_at = self.memory.walk.live_at
        status = ReleaseStatus.LIVE if live_at and live_at <= self.moment.at else ReleaseStatus.IN_FLIGHT
        return replace(self.memory.release, status=status, stage=self.stage.name, ended_at=None)

    def _of_then(self, use: GateUse) -> GateOutcome:
        """The verdict of then, where the same gate was judged."""
        known = self.memory.verdict_of(self.stage.name, use.use, use.params, self.moment.at)
        if known is None:
            return GateOutcome(title_of(self.bench, use), GateVerdict.UNKNOWN, NOT_KNOWN)
        return GateOutcome(known.name, known.verdict, known.why, known.figures, is_recorded=True)

    def _of_canary_facts(self, use: GateUse, position: int, evidence: PastEvidence) -> Look | None:
        """The comparison has gone on since, so it is judged by the facts that a verdict of then rests on."""
        gate = self.bench.gates.get(use.use)
        known = self.memory.verdict_of(self.stage.name, CANARY, None, self.moment.at)
        kept = next((one for one in self.memory.evidence if known and _holds_facts(one.id, one.source, known)), None)
        content = evidence.content(kept.sha256) if kept else None
        if gate is None or content is None:
            return None
        try:
            params, measured = gate.Params.model_validate(use.params), Measured(json.loads(content))
            judged = gate.judge(params, measured, self.bench.compile)
        except (ValidationError, ValueError, AndonError):
            return None
        return Look(use, position, title_of(self.bench, use), judged, measured)


def _holds_facts(evidence_id: str, source: str, result: Any) -> bool:
    return source == JUDGED and evidence_id in result.evidence_ids


def _outcome(look: Look) -> GateOutcome:
    judged: Judgement = look.judgement
    return GateOutcome(look.title, judged.verdict, judged.why, judged.figures)
