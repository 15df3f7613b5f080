"""What must hold of a release after any sequence of calls: told by the audit trail, and by what was really said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.gates import GateResult, GateVerdict
from bot.domain.playbooks import PlaybookKind
from bot.domain.records import AuditEntry
from bot.domain.releases import ReleaseStatus
from bot.domain.walks import ReleaseKind
from bot.ports import Transaction
from support.engine import Engine

BASELINE = "41"
LEAST_F1 = 0.9
_LEFT = ("release.moved", "run.planned")


@dataclass
class Rules:
    """The checks on one service whose trail begins after row `after`."""

    engine: Engine
    service: str
    releases: Sequence[str]
    after: int
    calls: Sequence[str]

    def check(self) -> int:
        """AssertionError with the calls that led there; how many stages were passed."""
        with self.engine.app.store.read() as tx:
            trail = [entry for _, entry in tx.audit_entries(limit=100_000, after=self.after)]
            self._nothing_while_halted(trail)
            passed = sum(self._check_release(tx, one, trail) for one in self.releases)
            endorsed = self._check_known(tx)
        effects = self.engine.ledger.effects(self.service)
        stray = [one["body"]["to"] for one in effects if one["body"]["to"] not in {BASELINE, *endorsed}]
        assert not stray, f"restored {stray}: {self.calls}"
        return passed

    def _nothing_while_halted(self, trail: Sequence[AuditEntry]) -> None:
        """Between a halt and its lift nothing of the service moves on."""
        halted = False
        for entry in trail:
            is_taken = entry.data.get("verdict") == "order" and entry.subject == f"order:{self.service}"
            if entry.action in ("order.halt", "order.lift") and is_taken:
                halted = entry.action == "order.halt"
            ours = entry.action in _LEFT and (entry.data.get("release") in self.releases or self._is_ours(entry))
            assert not (halted and ours), f"{entry.action} while halted: {entry.data}: {self.calls}"

    def _is_ours(self, entry: AuditEntry) -> bool:
        return entry.subject.removeprefix("release:") in self.releases

    def _check_release(self, tx: Transaction, release_id: str, trail: Sequence[AuditEntry]) -> int:
        release, walk = tx.release(release_id), tx.walk(release_id)
        assert release is not None
        assert walk is not None
        pin = self.engine.app.moves.pin_of(tx, walk)
        names = [one.name for one in pin.stages]
        assert list(walk.passed) == names[: len(walk.passed)], f"a stage was skipped: {walk.passed}: {self.calls}"
        results = list(reversed(tx.gate_results(release_id)))
        left = [one for one in trail if one.action == "release.moved" and one.subject == f"release:{release_id}"]
        assert [one.data["passed"] for one in left] == list(walk.passed), self.calls
        entered = release.opened_at
        for name, moved in zip(walk.passed, left, strict=True):
            stage = pin.stage(name)
            assert stage is not None
            runs = [one for one in trail if one.action == "run.planned" and one.data.get("stage") == name]
            planned = [one for one in runs if one.data.get("release") == release_id]
            until = planned[-1].at if stage.do and planned else moved.at
            assert bool(stage.do) == bool(planned), f"{name} acts, and was passed without that: {self.calls}"
            for position in range(len(stage.gates)):
                here = [one for one in results if one.stage == name and one.position == position]
                self._check_gate(tx, release.candidate, [one for one in here if entered <= one.at <= until], name)
            if pin.kind is ReleaseKind.EMERGENCY:
                assert walk.second_person not in (None, walk.started_by), self.calls
            entered = moved.at
        proven = release.status in (ReleaseStatus.LIVE, ReleaseStatus.WATCHED, ReleaseStatus.ENDORSED)
        assert not proven or pin.policy.live_stage in walk.passed or names[0] in walk.passed, self.calls
        self._check_runs(tx, release_id, trail)
        return len(walk.passed)

    def _check_gate(self, tx: Transaction, candidate: str, results: Sequence[GateResult], stage: str) -> None:
        """The newest verdict passed, and what was said by then bears that out, whatever the gate made of it."""
        assert results, f"{stage} was passed and a gate of it never ran: {self.calls}"
        newest = results[-1]
        assert newest.verdict is GateVerdict.PASS, f"{stage}: {newest}: {self.calls}"
        if newest.use == "metric":
            assert self._f1(tx, newest.release_id, candidate, newest.at) >= LEAST_F1, f"{stage}: {newest}: {self.calls}"
        else:
            assert self._is_signed(tx, newest.release_id, newest.at), f"{stage}: {newest}: {self.calls}"

    @staticmethod
    def _f1(tx: Transaction, release_id: str, candidate: str, by: datetime) -> float:
        said = [one for one in tx.evidence_of(release_id, name="evaluation") if one.at <= by]
        own = [one for one in said if one.version == candidate]
        file = tx.kept_file(own[0].sha256) if own else None
        found: Any = json.loads(file.content)["metrics"]["f1"] if file else 0.0
        return found if isinstance(found, float) else 0.0

    @staticmethod
    def _is_signed(tx: Transaction, release_id: str, by: datetime) -> bool:
        return any(
            one.by == "nina" and one.at <= by and (one.withdrawn_at is None or one.withdrawn_at > by)
            for one in tx.signatures(release_id)
        )

    def _check_runs(self, tx: Transaction, release_id: str, trail: Sequence[AuditEntry]) -> None:
        """What promotes was planned by a stage of this release, and succeeded at most once for each."""
        planned = {one.subject.removeprefix("run:"): one.data.get("stage") for one in trail if "stage" in one.data}
        runs = [one for one in tx.runs(limit=100, service=self.service) if one.release_id == release_id]
        done = [planned.get(one.id) for one in runs if one.kind is PlaybookKind.PROMOTE and one.status == "succeeded"]
        assert None not in done, f"what promotes ran out of no stage: {self.calls}"
        assert len(done) == len(set(done)), f"a stage acted twice: {self.calls}"

    def _check_known(self, tx: Transaction) -> set[str]:
        """Versions that may be restored besides the baseline: each of a release that went through every stage."""
        known = {one.version: one.release_id for one in tx.known_versions(self.service)} or {BASELINE: None}
        assert BASELINE in known, f"{known}: {self.calls}"
        for version, release_id in known.items():
            walk = tx.walk(release_id) if release_id else None
            if version == BASELINE:
                continue
            assert walk is not None, f"{version}: {self.calls}"
            pin = self.engine.app.moves.pin_of(tx, walk)
            assert list(walk.passed) == [one.name for one in pin.stages], f"{version}: {self.calls}"
            assert walk.endorsed_by == "olga", f"{version}: {self.calls}"
        return set(known) - {BASELINE}
