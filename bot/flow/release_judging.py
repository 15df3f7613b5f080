"""Judges a release's present stage by running its gates: what passes goes on, what fails halts, unknown waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.attachments import KeptFile
from bot.domain.configuration import Configuration
from bot.domain.errors import Refused
from bot.domain.events import ANDON, Command, Receipt
from bot.domain.gates import Evidence, GateResult, GateVerdict, worst
from bot.domain.pins import digest_of
from bot.domain.policies import Mode
from bot.domain.records import AuditEntry
from bot.domain.walking import check_may_go_on, check_not_frozen, severity_of
from bot.domain.words import Word
from bot.flow.dependencies import find_unplanned
from bot.flow.evidence_pulling import Puller
from bot.flow.gate_looking import Bench, Look, look_at
from bot.flow.release_facts import result_facts
from bot.flow.release_moves import ReleaseMoves, looks_again
from bot.flow.release_seeing import Judged, Seen, see
from bot.flow.result_records import halt_details, halt_reason, result_digest, result_of
from bot.flow.situation import Situation
from bot.gate_plugins import Fetched
from bot.ports import Clock, Ids, Log, Queue, Store

AGAIN = timedelta(minutes=1)
"""How often a stage that goes on by itself is looked at while something stands in its way."""
_ATTEMPTS = 4


class Judge:
    """Runs gates and draws the consequence. It may be called at any time, twice at once, by anybody: what passes goes
    on only where somebody asked for it or the stage goes on by itself, and what fails halts in any case."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        clock: Clock,
        ids: Ids,
        configuration: Callable[[], Configuration],
        moves: ReleaseMoves,
        bench: Bench,
        order: Callable[[Command], Receipt],
        log: Log,
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._configuration = configuration
        self._moves = moves
        self._bench = bench
        self._order = order
        self._puller = Puller(store, clock, ids, bench)
        self._log = log

    def of_service(self, service: str, by: str = ANDON.name) -> Judged:
        """Judge the release of a service that is under way; one that only its policy names is started by this.
        NotFound where no policy names the service."""
        policy = self._configuration().policy(service)
        with self._store.read() as tx:
            release = tx.latest_releases([policy.service]).get(policy.service)
            walked = release is not None and (tx.walk(release.id) is not None or not release.is_in_flight)
        named = policy.release
        if not walked and named is not None and policy.stages:
            details = {"candidate": named.candidate, "incumbent": named.incumbent, "author": named.author}
            receipt = self._order(Command(Word.RELEASE_START, policy.service, ANDON, via="gate", details=details))
            if receipt.refused:
                return Judged(None, policy.service, None, GateVerdict.UNKNOWN, receipt.message)
            return self.judge(receipt.records[0], by)
        if release is None:
            why = f"{policy.service} has no release under way: `andon release start {policy.service} --candidate V`"
            return Judged(None, policy.service, None, GateVerdict.UNKNOWN, why)
        return self.judge(release.id, by)

    def judge(self, release_id: str, by: str = ANDON.name) -> Judged:
        """Run every gate of the present stage now. The verdict, with the results as they were kept."""
        service = ""
        for _ in range(_ATTEMPTS):
            seen = see(self._store, self._moves, self._bench, self._configuration(), release_id)
            if isinstance(seen, Judged):
                self._rest(release_id)
                return seen
            service, seen = seen.service, self._puller.pulled(seen, by)
            looks = [
                look_at(self._bench, seen.pin, use, position, seen.context, seen.facts)
                for position, use in enumerate(seen.stage.gates)
            ]
            judged = self._write(seen, looks, by)
            if judged is None:
                continue  # something was said meanwhile that the gates have not seen
            if judged.verdict is GateVerdict.FAIL and seen.pin.policy.mode is Mode.ACT:
                self._halt(seen, judged)
            return judged
        return Judged(release_id, service, None, GateVerdict.UNKNOWN, "evidence comes in faster than it can be judged")

    def _rest(self, release_id: str) -> None:
        """Nothing of it can be judged now, so nothing is due; whoever changes that has it judged again."""
        with self._store.write() as tx:
            walk = tx.walk(release_id)
            if walk is None or not (walk.judge_at or walk.wanted_by):
                return
            tx.lock_services((walk.service,))
            current = tx.walk(release_id)
            if current is not None:
                tx.save(replace(current, judge_at=None, wanted_by=None, wanted_at=None))

    def _write(self, seen: Seen, looks: Sequence[Look], by: str) -> Judged | None:
        with self._store.write() as tx:
            situation = Situation(tx, tx.standing([seen.service]), self._clock.now(), self._ids)
            walk = tx.walk(seen.release.id)
            if walk is None or not seen.still_holds(situation):
                return None
            seen = replace(seen, walk=walk, release=situation.releases[seen.service])
            results = tuple(self._kept(situation, seen, look, by) for look in looks)
            self._find_unplanned(situation, seen)
            verdict = worst(one.verdict for one in results) if results else GateVerdict.PASS
            why = self._conclude(situation, seen, verdict, results)
            situation.write_back()
        self._queue.ring(situation.bells)
        release_id, stage = seen.release.id, seen.stage.name
        self._log("gates judged", release_id=release_id, stage=stage, verdict=str(verdict), gates=len(results))
        return Judged(release_id, seen.service, stage, verdict, why, results)

    def _find_unplanned(self, situation: Situation, seen: Seen) -> None:
        """What this release turned out to depend on, and nobody planned: recorded once, and its owner is told."""
        manifest = self._moves.manifest_of(situation.tx, seen.walk)
        planned = {*seen.policy.depends_on, *seen.pin.policy.depends_on}
        found = find_unplanned(situation.tx, seen.release, manifest, situation.now, self._ids, depends_on=planned)
        if found:
            facts = self._moves.story(situation.tx, seen.pin, seen.release, seen.walk)
            facts |= {"unplanned": [{"on": one.on_service, "what": one.what, "why": one.why} for one in found]}
            cause, owner = f"release:{seen.release.id}", seen.stage.owner
            self._moves.teller.owner(situation, "unplanned_dependency", seen.pin.policy, owner, facts, cause)

    def _kept(self, situation: Situation, seen: Seen, look: Look, by: str) -> GateResult:
        """The verdict with its evidence, raw, in the same commit as what follows from it."""
        fetched = tuple(self._keep(situation, seen, one, by) for one in look.kept)
        result = result_of(
            look,
            id=self._ids.new("vdt"),
            release_id=seen.release.id,
            service=seen.service,
            stage=seen.stage.name,
            at=situation.now,
            by=by,
            code_version=self._bench.code_version,
            evidence_ids=(*look.measured.evidence_ids, *fetched),
        )
        data = {"verdict": str(result.verdict), "gate": result.name, "stage": result.stage, "why": result.why[:500]}
        data |= {"digest": result_digest(result), "release": result.release_id}
        situation.record(result, AuditEntry(situation.now, by, "gate.judged", f"gate_result:{result.id}", data))
        return result

    def _keep(self, situation: Situation, seen: Seen, one: Fetched, by: str) -> str:
        digest = digest_of(one.content)
        situation.tx.keep_file(KeptFile(digest, len(one.content), one.content, situation.now))
        evidence = Evidence(
            id=self._ids.new("evd"),
            service=seen.service,
            release_id=seen.release.id,
            name=one.name[:200],
            media=one.media,
            sha256=digest,
            size=len(one.content),
            at=situation.now,
            by=by,
            source=one.source,
            version=seen.release.candidate,
        )
        situation.record(evidence)
        return evidence.id

    def _conclude(self, situation: Situation, seen: Seen, verdict: GateVerdict, results: Sequence[GateResult]) -> str:
        """What follows, and what to do next, in a sentence."""
        walk, stage, now = seen.walk, seen.stage, situation.now
        if verdict is not GateVerdict.PASS:
            return self._not_passed(situation, seen, verdict, results)
        if walk.wanted_by is None and not looks_again(stage):
            situation.keep(walk.judged(now, again_at=None))
            return f"every gate of {stage.name} passes; `andon release promote {seen.release.id}` goes on"
        try:
            check_may_go_on(seen.pin, seen.release, walk, situation.services[seen.service], now)
            check_not_frozen(seen.freeze(situation))
        except Refused as refusal:
            situation.keep(walk.judged(now, again_at=_when(seen, now)))
            return f"every gate of {stage.name} passes, but: {refusal}"
        judged = replace(walk, judged_at=now, judge_at=None)
        after = self._moves.leave(situation, seen.pin, seen.release, judged, stage)
        return f"every gate of {stage.name} passes; {after}"

    def _not_passed(self, situation: Situation, seen: Seen, verdict: GateVerdict, results: Sequence[GateResult]) -> str:
        walk, now, is_unknown = seen.walk, situation.now, verdict is GateVerdict.UNKNOWN
        acts = seen.pin.policy.mode is Mode.ACT
        # While a halt is to follow it stays due: whoever finds it after a crash judges again, and halts then.
        again = (now + AGAIN if looks_again(seen.stage) else None) if is_unknown or not acts else now
        situation.keep(walk.judged(now, again_at=again))
        stopping = [one for one in results if one.verdict is verdict]
        if walk.wanted_by or not is_unknown:
            name = "gate_unknown" if is_unknown else "gate_failed"
            facts = self._moves.story(situation.tx, seen.pin, seen.release, walk) | {
                "results": [result_facts(one) for one in stopping],
                "wanted_by": walk.wanted_by or "",
                "acts": acts,
            }
            cause = f"gate_result:{stopping[0].id}" if stopping else f"release:{seen.release.id}"
            self._moves.teller.owner(situation, name, seen.pin.policy, seen.stage.owner, facts, cause)
        said = "; ".join(f"{one.name}: {one.why}" for one in stopping)
        return f"{seen.stage.name} does not pass: {said}" if not is_unknown else f"{seen.stage.name} is unknown: {said}"

    def _halt(self, seen: Seen, judged: Judged) -> None:
        """Through the front door, like everybody else's halt; once for each verdict, however often it is tried."""
        failed = [one for one in judged.results if one.verdict is GateVerdict.FAIL]
        severities = [severity_of(seen.stage.gates[one.position], seen.stage, seen.release) for one in failed]
        worst_of_them = min(severities, key=lambda one: one.rank)
        place = seen.stage.place
        receipt = self._order(
            Command(
                Word.HALT,
                seen.service,
                ANDON,
                via="gate",
                reason=halt_reason(seen.release.candidate, seen.stage.name, failed),
                environment=place if place in seen.policy.targets else None,
                details=halt_details(failed, str(worst_of_them)),
                delivery=f"gate:{failed[0].id}",
            )
        )
        self._log("gate halted the release", release_id=seen.release.id, refused=receipt.refused, why=receipt.message)
        self._rest(seen.release.id)


def _when(seen: Seen, now: datetime) -> datetime | None:
    """When to look again at a stage whose gates pass but that may not be left yet."""
    entered = seen.walk.stage_entered_at
    ends = entered + seen.stage.window if entered else now
    if ends > now and (seen.walk.wanted_by or looks_again(seen.stage)):
        return ends
    return now + AGAIN if looks_again(seen.stage) else None
