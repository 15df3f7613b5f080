"""Folds batches of observations into the canary of a release, and tells the front door once when it diverged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.domain.canaries import CANARY_SOURCE, AffectedKeys, Canary, CanaryVerdict, ObservationBatch, Phase
from bot.domain.canary_rules import Canary as CanaryRule
from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError, ConfigError, Conflict
from bot.domain.events import Accept, Delivery
from bot.domain.policies import PRODUCTION, Policy
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.stages import CANARY
from bot.domain.times import format_time
from bot.flow.canary_rule import check_installed, pinned, rule_of
from bot.flow.canary_standing import measured
from bot.flow.comparing import Comparing, States, open_states
from bot.ports import Bell, Clock, Ids, JobName, Lane, Log, Queue, Store

MOST_BATCHES = 256
MOST_BYTES = 16 * 2**20
"""Of batches in one fold: more are left for the next, so that a verdict never waits for a long one."""
_ATTEMPTS = 5
_KEPT_STATES = 4


@dataclass(frozen=True)
class _Found:
    """What there is to fold."""

    release: Release
    canary: Canary
    batches: Sequence[ObservationBatch]
    policy: Policy | None

    @property
    def is_over(self) -> bool:
        """The release takes no observations any more."""
        return self.release.status.is_over or self.release.status is ReleaseStatus.ENDORSED

    @property
    def has_work(self) -> bool:
        """Anything at all to save."""
        waits = bool(self.canary.standing.get("waiting"))
        return bool(self.batches) or waits or (self.is_over and self.canary.closed_at is None)


class Folder:
    """Any number may fold at once: only one of them saves, the others read again.

    A verdict is saved before it is told, and marked as told after the front door has it; whoever finds one that was
    not told tells it again, and the front door knows it by its delivery id.
    """

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        clock: Clock,
        ids: Ids,
        current: Callable[[], Configuration],
        accept: Accept,
        crash: Callable[[str], None],
        log: Log,
        judges: bool = False,
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._current = current
        self._accept = accept
        self._crash = crash
        self._log = log
        self._judges = judges
        """Whether a job looks at the gates of a release that has become equivalent."""
        self._kept: dict[str, tuple[int, States]] = {}

    def fold(self, release_id: str) -> None:
        """Fold what there is, a bounded part of it, tell what is to be told, and ring again where more waits."""
        check_installed()
        for attempt in range(_ATTEMPTS):
            try:
                canary = self._once(release_id)
                break
            except Conflict:
                self._kept.pop(release_id, None)
                if attempt == _ATTEMPTS - 1:
                    raise
        if canary is not None and canary.owes_word:
            self._tell(release_id)
        with self._store.read() as tx:
            more = bool(tx.unfolded_batches(release_id, limit=1, most_bytes=1))
        if more:
            self._queue.ring([Bell(JobName.FOLD_CANARY, release_id, Lane.OTHER)])

    def _once(self, release_id: str) -> Canary | None:
        """One fold; the canary as it is then, None where there is none."""
        found = self._find(release_id)
        if found is None:
            return None
        if not found.has_work:
            return found.canary
        try:
            work, rest = self._work(found, found.batches), found.batches
        except AndonError:
            raise
        except Exception as fault:
            work, rest = self._work_around(found, fault)
        return self._save(found, work, rest)

    def _find(self, release_id: str) -> _Found | None:
        with self._store.read() as tx:
            release, canary = tx.release(release_id), tx.canary(release_id)
            batches = tx.unfolded_batches(release_id, limit=MOST_BATCHES, most_bytes=MOST_BYTES)
        if release is None or (canary is None and not batches):
            return None
        policy = self._current().policies.get(release.service)
        if canary is None:
            self._open(release, policy)
            return self._find(release_id)  # somebody else may have folded these batches meanwhile
        return _Found(release, canary, batches, policy)

    def _open(self, release: Release, policy: Policy | None) -> None:
        """The canary of a first batch. Its rule is pinned: a looser policy later changes nothing for this release."""
        if policy is None or policy.canary is None:
            raise ConfigError(
                f"Release {release.id} has observations, but the policy of {release.service} has no canary",
                next="put its `canary:` back; until then they wait",
            )
        canary = Canary(
            release.id,
            release.service,
            str(Phase.of(release)),
            self._clock.now(),
            standing={"rule": pinned(policy.canary), "policy_digest": policy.digest},
        )
        with self._store.write() as tx:
            tx.open_canary(canary)

    def _work(self, found: _Found, batches: Sequence[ObservationBatch]) -> Comparing:
        rule = rule_of(found.canary.standing["rule"])
        work = Comparing(
            before=found.canary,
            release=found.release,
            rule=rule,
            states=self._states(found.canary, rule),
            phase=self._phase(found),
            now=self._clock.now(),
        )
        for batch in batches:
            if found.is_over and found.release.ended_at and batch.received_at > found.release.ended_at:
                work.came_after_end(batch)
            else:
                work.take(batch)
        work.expire()
        return work

    def _phase(self, found: _Found) -> Phase:
        """The release's; of one that is over, the last one it was in."""
        return Phase(found.canary.phase) if found.is_over else Phase.of(found.release)

    def _states(self, canary: Canary, rule: CanaryRule) -> States:
        """As this process left them, else as they are stored. They change while they are used, so they are taken."""
        version, states = self._kept.pop(canary.release_id, (-1, None))
        return states if states is not None and version == canary.version else open_states(canary, rule)

    def _work_around(self, found: _Found, fault: Exception) -> tuple[Comparing, Sequence[ObservationBatch]]:
        """Something nobody foresaw: fold the first batch by itself; where it is that one, it is set aside."""
        if not found.batches:
            raise fault
        first = found.batches[:1]
        try:
            return self._work(found, first), first
        except Exception as error:
            self._log("batch not folded", batch_id=first[0].id, error=type(error).__name__)
            work = self._work(found, ())
            work.set_aside(first[0], f"a fault of Andon ({type(error).__name__}); it was logged")
            return work, first

    def _save(self, found: _Found, work: Comparing, batches: Sequence[ObservationBatch]) -> Canary:
        closes = found.is_over and len(batches) == len(found.batches) < MOST_BATCHES
        after, affected = work.outcome(closes=closes)
        made: list[AffectedKeys] = [affected] if affected is not None else []
        self._crash("before_fold_commit")
        with self._store.write() as tx:
            tx.fold_into(found.canary, after, [one.id for one in batches])
            tx.add(*work.points, *made)
        self._crash("after_fold_commit")
        saved = replace(after, version=found.canary.version + 1)
        if len(self._kept) >= _KEPT_STATES:
            self._kept.pop(next(iter(self._kept)))
        self._kept[saved.release_id] = (saved.version, work.states)
        self._say(found.canary, saved)
        return saved

    def _say(self, before: Canary, after: Canary) -> None:
        if before.verdict is after.verdict:
            return
        fields = {"release_id": after.release_id, "phase": after.phase, "pairs": after.pairs}
        self._log("canary verdict", verdict=str(after.verdict), **fields)
        if self._judges and after.verdict is CanaryVerdict.EQUIVALENT:
            self._queue.ring([Bell(JobName.JUDGE_RELEASE, after.release_id, Lane.OTHER)])

    def _tell(self, release_id: str) -> None:
        """To the front door, then the mark that it heard. Until the mark stands it is told again."""
        with self._store.read() as tx:
            canary, release = tx.bare_canary(release_id), tx.release(release_id)
        if canary is None or release is None or not canary.owes_word:
            return
        if release.is_in_flight:
            policy = self._current().policies.get(release.service)
            self._accept([event_of(canary, release, policy)])
        self._crash("after_canary_event")
        self._mark(release_id, canary.word)

    def _mark(self, release_id: str, word: str) -> None:
        for _ in range(_ATTEMPTS):
            with self._store.read() as tx:
                before = tx.canary(release_id)
            if before is None or before.told == word or before.word != word:
                return
            after = replace(before, told=word, standing={**before.standing, "owes": False})
            try:
                with self._store.write() as tx:
                    tx.fold_into(before, after, ())
            except Conflict:
                continue
            version, states = self._kept.get(release_id, (-1, None))
            if states is not None and version == before.version:
                self._kept[release_id] = (before.version + 1, states)
            return


def event_of(canary: Canary, release: Release, policy: Policy | None) -> Delivery:
    """The event of a divergence, as the source `canary` reads it."""
    figure = measured(canary.standing, release, canary.standing["rule"])
    body = {
        "release": release.id,
        "service": release.service,
        "environment": _environment(policy),
        "phase": canary.phase,
        "verdict": str(CanaryVerdict.DIVERGED),
        "severity": "warning" if canary.phase == Phase.CANARY else "critical",
        "at": format_time(canary.folded_at or canary.opened_at),
        "candidate": release.candidate,
        "incumbent": release.incumbent,
        "metric": figure.metric,
        "unit": figure.unit,
        "before": figure.before,
        "now": figure.now,
        "low": figure.low,
        "high": figure.high,
        "tolerance": figure.tolerance,
        "alpha": canary.standing["rule"]["alpha"],
        "pairs": canary.pairs,
        "affected": canary.affected,
        "data_slice": figure.data_slice,
    }
    return Delivery(CANARY_SOURCE, json.dumps(body).encode(), {"content-type": "application/json"})


def _environment(policy: Policy | None) -> str:
    """Where the candidate answers: the place of the stage `canary`, else production, else the only target."""
    if policy is None:
        return PRODUCTION
    stage = next((one for one in policy.stages if one.name == CANARY), None)
    if stage is not None:
        return stage.place
    return next(iter(policy.targets), PRODUCTION) if len(policy.targets) == 1 else PRODUCTION
