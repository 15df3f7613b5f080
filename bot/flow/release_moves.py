"""Moves of a release inside a transaction: into the next stage, live, watched, endorsed, abandoned; and its `do`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.errors import Refused
from bot.domain.events import ANDON
from bot.domain.pins import Pin, digest_of, read_pin
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import AUTOMATIC, Mode
from bot.domain.records import AuditEntry
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.runs import Run, RunStatus
from bot.domain.stages import PRODUCTION, Advance, Stage
from bot.domain.strict_json import parse_json
from bot.domain.walking import position_after
from bot.flow.planning import Cause, plan_run
from bot.flow.release_facts import endorsing_role, release_story
from bot.flow.versions import went_live
from bot.ports import Bell, Ids, JobName, Lane, Transaction

if TYPE_CHECKING:
    from bot.domain.conditions import Compile
    from bot.domain.manifests import Manifest
    from bot.domain.walks import Walk
    from bot.flow.release_telling import ReleaseTeller
    from bot.flow.situation import Situation

_WITHIN = timedelta(minutes=30)
"""For the playbook of a stage."""
RETRY = timedelta(seconds=15)
"""Where another run has the place."""


def bell_to_judge(release_id: str) -> Bell:
    """The bell that has a release's gates looked at."""
    return Bell(JobName.JUDGE_RELEASE, release_id, Lane.OTHER)


class ReleaseMoves:
    """Everything that changes where a release is. It never judges: whoever calls has seen the gates pass."""

    def __init__(self, ids: Ids, teller: ReleaseTeller, compile_: Compile) -> None:
        self._ids = ids
        self.teller = teller
        self._compile = compile_

    def pin_of(self, tx: Transaction, walk: Walk) -> Pin:
        """The pin of a release. Refused where it was lost or altered."""
        kept = tx.kept_file(walk.pin)
        if kept is None:
            raise Refused(f"The pinned policy of release {walk.release_id} is lost", next="start a new release")
        return read_pin(kept.content, walk.pin, self._compile)

    def manifest_of(self, tx: Transaction, walk: Walk) -> Manifest:
        """The manifest as it was given; an empty one where there was none. Refused where it was lost or altered."""
        from bot.domain.manifests import Manifest, read_manifest

        if not walk.manifest_digest:
            return Manifest()
        kept = tx.kept_file(walk.manifest_digest)
        if kept is None or digest_of(kept.content) != walk.manifest_digest:
            what = "lost" if kept is None else "not the one that it was started with"
            raise Refused(f"The manifest of release {walk.release_id} is {what}", next="start a new release")
        return read_manifest(parse_json(kept.content))

    def leave(self, situation: Situation, pin: Pin, release: Release, walk: Walk, stage: Stage) -> str:
        """The gates of this stage have passed: run its playbook, or go on at once. What happens next, in a sentence."""
        if pin.policy.mode is Mode.OBSERVE:
            return self._observed(situation, pin, release, walk, stage)
        if stage.do is None:
            return self.passed(situation, pin, release, walk)
        place = (release.service, stage.place)
        if place in situation.runs:
            again = replace(walk, judge_at=situation.now + RETRY)
            situation.keep(again)
            return f"run {situation.runs[place].id} has the place; its playbook starts once that is over"
        if (drill := situation.drill_at(place)) is not None:
            situation.keep(replace(walk, judge_at=situation.now + RETRY))
            return f"drill {drill.id} goes on there; its playbook starts once that is over"
        cause = Cause(
            event_id="",
            within=_WITHIN,
            authority=AUTOMATIC,
            requested_by=walk.wanted_by,
            reason=f"stage {stage.name} of release {release.id} passed its gates",
        )
        run = plan_run(
            self._ids,
            pin.policy,
            # Whatever kind it says it is: a halt stops it, and a rollback has precedence.
            pin.playbooks[stage.do].model_copy(update={"kind": PlaybookKind.PROMOTE}),
            place,
            release=release,
            incident=None,
            cause=cause,
            now=situation.now,
        )
        run = replace(run, event_id=None)
        situation.add_run(run)
        situation.keep(replace(walk, run_id=run.id, judge_at=None, wanted_by=None, wanted_at=None))
        data = {"plan": run.plan_hash, "playbook": stage.do, "stage": stage.name, "release": release.id}
        self._audit(situation, "run.planned", f"run:{run.id}", data, by=walk.wanted_by)
        return f"its playbook {stage.do} runs now ({run.id})"

    def _observed(self, situation: Situation, pin: Pin, release: Release, walk: Walk, stage: Stage) -> str:
        """What would happen next, under a policy that only observes: no playbook runs, and nothing ever goes live."""
        would = [f"run {stage.do}"] if stage.do else []
        if position_after(pin, release).status is ReleaseStatus.IN_FLIGHT:
            done = self.passed(situation, pin, release, walk)
            return f"the policy only observes: it would {would[0]}; {done}" if would else done
        would.append(f"put {release.candidate} live")
        problem = f"the policy only observes: it would {' and '.join(would)}; nothing was touched"
        situation.keep(walk.judged(situation.now, again_at=None))
        facts = self.story(situation.tx, pin, release, walk) | {"problem": problem, "stage": stage.name}
        self.teller.owner(situation, "promotion_stopped", pin.policy, stage.owner, facts, f"release:{release.id}")
        return problem

    def passed(self, situation: Situation, pin: Pin, release: Release, walk: Walk) -> str:
        """Into the next stage, or live, or watched."""
        now, stage = situation.now, release.stage
        there = position_after(pin, release)
        moved = release.at(there.status, there.stage, now)
        entered = walk.entered(now, passed=stage, judge_at=now if there.stage else None)
        by = walk.wanted_by
        if moved.status is ReleaseStatus.LIVE and walk.live_at is None:
            entered = replace(entered, live_at=now)
            left = pin.stage(stage)
            environment = left.place if left else PRODUCTION
            situation.record(went_live(moved, environment, now, run_id=walk.run_id))
        if moved.status is ReleaseStatus.WATCHED:
            entered = replace(entered, watched_at=now, judge_at=None)
        situation.put_release(moved)
        situation.keep(entered)
        if there.stage:
            situation.bells.append(bell_to_judge(release.id))
        self._audit_move(situation, moved, by=by, passed=stage)
        self._tell(situation, pin, moved, entered, passed=stage or "")
        where = f", in stage {moved.stage}" if moved.stage and moved.stage != moved.state else ""
        return f"release {release.id} is {moved.state} now{where}"

    def after_run(self, situation: Situation, run: Run) -> None:
        """The playbook of a stage came to its end: the release goes on where it succeeded, and waits where not."""
        release = situation.releases.get(run.service)
        walk = situation.tx.walk(run.release_id) if run.release_id else None
        if release is None or walk is None or walk.release_id != release.id or walk.run_id != run.id:
            return
        try:
            pin = self.pin_of(situation.tx, walk)
            story = self.story(situation.tx, pin, release, walk)
        except Refused as refusal:  # its record was altered: it never goes on, but its run has to end all the same
            situation.keep(replace(walk, run_id=None, judge_at=None, wanted_by=None, wanted_at=None))
            data = {"run": run.id, "why": str(refusal)[:500]}
            self._audit(situation, "release.stopped", f"release:{release.id}", data, by=None)
            return
        is_halted = release.status is ReleaseStatus.HALTED or situation.services[run.service].is_halted
        if run.status is RunStatus.SUCCEEDED and not is_halted:
            self.passed(situation, pin, release, walk)
            return
        situation.keep(replace(walk, run_id=None, judge_at=None, wanted_by=None, wanted_at=None))
        facts = story | {
            "problem": f"{run.playbook.name} is {run.status}: {run.error}".rstrip(": "),
            "stage": release.stage or "",
        }
        stage = pin.stage(release.stage)
        owner = stage.owner if stage else None
        self.teller.owner(situation, "promotion_stopped", pin.policy, owner, facts, f"run:{run.id}")

    def story(self, tx: Transaction, pin: Pin, release: Release, walk: Walk) -> dict[str, Any]:
        """What is told of it."""
        return release_story(pin, release, walk, self.manifest_of(tx, walk), self.teller.url(release.id))

    def judge_soon(self, situation: Situation, walk: Walk) -> None:
        """Have its gates looked at at once."""
        situation.keep(replace(walk, judge_at=situation.now))
        situation.bells.append(bell_to_judge(walk.release_id))

    def _tell(self, situation: Situation, pin: Pin, release: Release, walk: Walk, *, passed: str) -> None:
        facts = self.story(situation.tx, pin, release, walk) | {"passed": passed}
        cause = f"release:{release.id}"
        if release.status is ReleaseStatus.LIVE and walk.live_at == situation.now:
            self.teller.audiences(situation, "release_live", pin.policy, facts, cause)
        elif release.status is ReleaseStatus.WATCHED:
            self.teller.owner(situation, "release_watched", pin.policy, endorsing_role(pin.policy), facts, cause)
        else:
            self.teller.audience(situation, "stage_passed", pin.policy, "engineering", facts, cause)

    def _audit_move(self, situation: Situation, release: Release, *, by: str | None, passed: str | None) -> None:
        data = {"status": str(release.status), "stage": release.stage, "passed": passed}
        self._audit(situation, "release.moved", f"release:{release.id}", data, by=by)

    def _audit(
        self, situation: Situation, action: str, subject: str, data: Mapping[str, Any], *, by: str | None
    ) -> None:
        situation.record(AuditEntry(situation.now, by or ANDON.name, action, subject, data))


def looks_again(stage: Stage) -> bool:
    """Whether its gates are looked at by themselves until they pass."""
    return stage.advance is Advance.AUTOMATIC
