"""How a release stands right now: the verdict over its stage, and every reason why it would not be promoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from bot.domain.errors import AndonError, Refused
from bot.domain.gates import GateVerdict
from bot.domain.pins import Pin
from bot.domain.policies import Policy
from bot.domain.releases import Release, ReleaseStatus, Service
from bot.domain.walking import check_may_go_on, check_not_frozen, verdict_over
from bot.domain.walks import Walk
from bot.flow.release_moves import ReleaseMoves
from bot.ports import Transaction


def pin_or_none(tx: Transaction, walk: Walk | None, moves: ReleaseMoves) -> Pin | None:
    """The pin, where there is one that can be read: what is shown shows what it can."""
    if walk is None:
        return None
    try:
        return moves.pin_of(tx, walk)
    except AndonError:
        return None


def standing_verdict(tx: Transaction, release: Release, moves: ReleaseMoves) -> str | None:
    """Over the gates of the present stage as things are known, `fail` while it is halted; None without a stage."""
    walk = tx.walk(release.id)
    pin = pin_or_none(tx, walk, moves)
    stage = pin.stage(release.stage) if pin else None
    if stage is None or walk is None or not release.is_in_flight:
        return None
    if release.status is ReleaseStatus.HALTED:
        return str(GateVerdict.FAIL)
    since = walk.stage_entered_at
    results = [one for one in tx.newest_results(release.id) if since is None or one.at >= since]
    return str(verdict_over(stage, results))


def refusals(
    tx: Transaction, release: Release, moves: ReleaseMoves, policy: Policy | None, now: datetime
) -> tuple[str, ...]:
    """Every rule that refuses a promotion now, each in a sentence. Empty: the gates alone decide."""
    return tuple(_refusals(tx, release, moves, policy, now))


def _refusals(
    tx: Transaction, release: Release, moves: ReleaseMoves, policy: Policy | None, now: datetime
) -> Iterator[str]:
    walk = tx.walk(release.id)
    latest = tx.latest_releases([release.service]).get(release.service)
    if latest is not None and latest.id != release.id:
        yield f"A later release has taken its place: {latest.candidate}"
        return
    if walk is None:
        yield "It was never started here: only the policy names it"
        return
    pin = pin_or_none(tx, walk, moves)
    if pin is None:
        yield "The pinned policy cannot be read any more"
        return
    service = tx.service(release.service) or Service(release.service)
    running = tx.run(walk.run_id) if walk.run_id else None
    freeze = pin.policy.frozen_by(now) or (policy.frozen_by(now) if policy else None)
    checks: tuple[Callable[[], object], ...] = (
        lambda: check_may_go_on(pin, release, walk, service, now),
        lambda: check_not_frozen(freeze if release.stage and release.is_in_flight else None),
    )
    for check in checks:
        try:
            check()
        except Refused as refusal:
            yield str(refusal)
    if running is not None and not running.is_ended:
        yield f"Run {running.id} of this stage is under way ({running.playbook.name})"
