"""Orders about releases: start one, ask to go on, sign, second, abandon, endorse, and write the retrospective."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.gates import GateResult, GateVerdict, Signature
from bot.domain.permits import check_endorse, holds, is_same_person
from bot.domain.playbooks import PlaybookKind
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.walking import check_acts, check_may_go_on, check_not_frozen, newest_of
from bot.domain.walks import ReleaseKind, Walk
from bot.domain.words import Word
from bot.flow.order import Answer, Order
from bot.flow.release_moves import bell_to_judge
from bot.flow.versions import endorsed

KNOWN_FOR = timedelta(seconds=60)
"""How long a verdict is known that may change by itself: canaries, drills and what is read outside go on meanwhile."""
_SAID = frozenset({"metric", "latency", "memory", "drift", "fairness", "schema", "checklist", "documents"})
"""Gates that rest on what is handed in: where nothing was asked outside, they are known until something new is said."""
_COMPARED = frozenset({"canary", "expression"})
"""Gates that read the comparison, which goes on while pairs come in."""
_LATER = "its gates are looked at now; `andon release show {id}` tells what they say"


def promote(order: Order) -> Answer:
    """Ask to go on. The gates decide, and are looked at for it; what is known to stand in the way is said at once."""
    release, walk = subject(order)
    pin = order.moves.pin_of(order.situation.tx, walk)
    service, now = order.situation.services[release.service], order.situation.now
    stage = check_may_go_on(pin, release, walk, service, now)
    policy = order.configuration.policy(release.service)
    check_not_frozen(pin.policy.frozen_by(now) or policy.frozen_by(now))
    check_acts(pin, policy)
    running = order.situation.tx.run(walk.run_id) if walk.run_id else None
    if running is not None and not running.is_ended:
        message = f"Run {running.id} of stage {stage.name} is under way already; this request joins it."
        return _answer(Verdict.JOIN, release, message, runs=(running.id,))
    if known := _known_obstacles(order, release, walk):
        said = "; ".join(f"{one.name}: {one.verdict} ({one.why})" for one in known)
        raise Refused(
            f"Release {release.id} does not pass {stage.name}", why=said, next="mend that; no role passes a gate"
        )
    order.situation.keep(walk.wanted(order.actor, now))
    order.situation.bells.append(bell_to_judge(release.id))
    message = f"Release {release.id} is to pass {stage.name}: {_LATER.format(id=release.id)}."
    return _answer(Verdict.ORDER, release, message)


def _known_obstacles(order: Order, release: Release, walk: Walk) -> list[GateResult]:
    """Gates that are known not to pass, since nothing new was said after they were looked at."""
    tx, now = order.situation.tx, order.situation.now
    stage = order.moves.pin_of(tx, walk).stage(release.stage)
    if stage is None:
        return []
    # What the gates themselves kept while they looked says nothing new.
    evidence = next((one for one in tx.evidence_of(release.id) if one.source == "push"), None)
    moments = [one.withdrawn_at or one.at for one in tx.signatures(release.id)]
    newest = max([*moments, *([evidence.at] if evidence else [])], default=None)
    since = walk.stage_entered_at or release.opened_at
    canary = tx.bare_canary(release.id)
    compared = canary.folded_at if canary else None
    return [
        one
        for one in newest_of(stage, tx.newest_results(release.id)).values()
        if one.verdict is not GateVerdict.PASS
        and one.at >= since
        and (newest is None or one.at > newest)
        and (compared is None or one.use not in _COMPARED or one.at > compared)
        and ((one.use in _SAID and not one.query) or one.at > now - KNOWN_FOR)
    ]


def sign(order: Order) -> Answer:
    """Sign an item of the readiness checklist (`item`), or acknowledge the brief of an audience (`brief`)."""
    release, walk = subject(order)
    _check_under_way(release)
    named, policy = _signed(order), order.configuration.policy(release.service)
    person = policy.person(order.actor)
    for one in order.situation.tx.signatures(release.id):
        if one.subject == named and policy.person(one.by) == person and one.withdrawn_at is None:
            return _answer(Verdict.NO_OP, release, f"{order.actor} signed {named} already.")
    role = str(order.command.details.get("role") or "")
    if role and not holds(order.command.actor, policy, role):
        raise Refused(f"{order.actor} does not hold {role}", why=f"its members are {', '.join(policy.members(role))}")
    signature = Signature(
        order.ids.new("sig"), release.id, named, order.actor, order.situation.now, role, order.command.reason[:2000]
    )
    order.situation.record(signature)
    if named.startswith("item:"):
        order.moves.judge_soon(order.situation, walk)
    return _answer(Verdict.ORDER, release, f"{order.actor} signed {named} of release {release.id}.", (signature.id,))


def unsign(order: Order) -> Answer:
    """Take a signature of one's own back."""
    release, walk = subject(order)
    named, policy = _signed(order), order.configuration.policy(release.service)
    mine = [
        one
        for one in order.situation.tx.signatures(release.id)
        if one.subject == named and one.withdrawn_at is None and policy.person(one.by) == policy.person(order.actor)
    ]
    if not mine:
        raise NotFound(f"{order.actor} has not signed {named} of release {release.id}")
    order.situation.keep(*(replace(one, withdrawn_at=order.situation.now) for one in mine))
    order.moves.judge_soon(order.situation, walk)
    return _answer(Verdict.ORDER, release, f"{order.actor} took the signature of {named} back.")


def _signed(order: Order) -> str:
    details = order.command.details
    named = [f"{kind}:{details[kind]}" for kind in ("item", "brief") if details.get(kind)]
    if len(named) != 1 or len(named[0]) > 200:
        raise BadInput(
            "Say what is signed", next="an item of the checklist (--item NAME) or a brief (--brief AUDIENCE)"
        )
    return named[0]


def second(order: Order) -> Answer:
    """Stand for an emergency as its second person: not who started it, not who made the candidate."""
    release, walk = subject(order)
    _check_under_way(release)
    policy, pin = order.configuration.policy(release.service), order.moves.pin_of(order.situation.tx, walk)
    if pin.kind is not ReleaseKind.EMERGENCY or pin.policy.emergency is None:
        raise Refused(f"Release {release.id} is no emergency", next="it needs no second person")
    if walk.second_person:
        return _answer(Verdict.NO_OP, release, f"{walk.second_person} is its second person already.")
    others = [one for one in (walk.started_by, release.author) if one]
    if any(is_same_person((pin.policy, policy), order.actor, one) for one in others):
        raise Refused(f"{order.actor} cannot be the second person", why="that is one who neither started nor made it")
    role = pin.policy.emergency.role
    if not all(holds(order.command.actor, one, role) for one in (pin.policy, policy)):
        members = ", ".join(pin.policy.members(pin.policy.emergency.role)) or "nobody"
        raise Refused(f"{order.actor} does not hold {pin.policy.emergency.role}", why=f"its members are {members}")
    order.moves.judge_soon(order.situation, replace(walk, second_person=order.actor))
    message = f"{order.actor} stands for release {release.id} as its second person."
    return _answer(Verdict.ORDER, release, message)


def abandon(order: Order) -> Answer:
    """Give a release up that is not live yet. What was shifted already is taken back by a rollback, not by this."""
    release, walk = subject(order)
    reason = order.reason()
    _check_under_way(release)
    before = release.resumes_as or release.status
    if before is not ReleaseStatus.IN_FLIGHT:
        raise Refused(f"Release {release.id} is {before}", next="a live candidate is rolled back, or endorsed")
    running = order.situation.tx.run(walk.run_id) if walk.run_id else None
    if running is not None and not running.is_ended:
        raise Refused(f"Run {walk.run_id} of it is under way", next="halt the release first: that stops it")
    order.situation.put_release(release.at(ReleaseStatus.ABANDONED, None, order.situation.now))
    order.situation.keep(replace(walk, judge_at=None, wanted_by=None, wanted_at=None))
    return _answer(Verdict.ORDER, release, f"Release {release.id} is abandoned: {reason}.")


def endorse(order: Order) -> Answer:
    """Accept a candidate that is live and was watched: from now on a rollback may restore it."""
    release, walk = subject(order)
    policy = order.configuration.policy(release.service)
    check_endorse(order.command.actor, policy)
    if release.status is ReleaseStatus.ENDORSED:
        return _answer(Verdict.NO_OP, release, f"{walk.endorsed_by} endorsed release {release.id} already.")
    done = release.status is ReleaseStatus.WATCHED or (release.status is ReleaseStatus.LIVE and release.stage is None)
    if not done:
        raise Refused(f"Release {release.id} is {release.state}", next="it can be endorsed once it was watched")
    pin = order.moves.pin_of(order.situation.tx, walk)
    if release.author and is_same_person((pin.policy, policy), order.actor, release.author):
        raise Refused(f"{order.actor} made the candidate", why="its author never accepts it alone")
    _check_not_rolling_back(order, release)
    now = order.situation.now
    order.situation.put_release(release.at(ReleaseStatus.ENDORSED, None, now))
    accepted = replace(walk, endorsed_by=order.actor, endorsed_at=now, judge_at=None)
    order.situation.keep(accepted, endorsed(release, order.actor, now))
    facts = order.moves.story(order.situation.tx, pin, release, accepted) | {"by": order.actor}
    order.moves.teller.audiences(order.situation, "release_endorsed", policy, facts, cause=f"event:{order.event_id}")
    return _answer(Verdict.ORDER, release, f"Release {release.id} is endorsed: {release.candidate} may be restored.")


def _check_not_rolling_back(order: Order, release: Release) -> None:
    """What is being taken back, or is asked to be, is not accepted at the same time."""
    for (service, _), run in order.situation.runs.items():
        if service == release.service and run.kind is PlaybookKind.ROLLBACK and run.release_id == release.id:
            why = f"run {run.id} ({run.playbook.name}) is {run.status}"
            raise Refused(f"Release {release.id} is about to be rolled back", why=why, next="let it end, or reject it")


def retrospective(order: Order) -> Answer:
    """Write the retrospective of an emergency, or link to it."""
    release, walk = subject(order)
    text = order.reason()
    if walk.kind is not ReleaseKind.EMERGENCY:
        raise Refused(f"Release {release.id} was no emergency", next="it owes no retrospective")
    now = order.situation.now
    order.situation.keep(replace(walk, retrospective=text[:20_000], retrospective_by=order.actor, retrospective_at=now))
    late = walk.retrospective_due_at is not None and now > walk.retrospective_due_at
    return _answer(Verdict.ORDER, release, f"The retrospective of {release.id} is recorded{' (late)' if late else ''}.")


def subject(order: Order) -> tuple[Release, Walk]:
    """The release that the order is about, with its walk; Refused where another one has taken its place."""
    found = order.situation.tx.release(order.command.subject)
    if found is None:
        raise NotFound(f"No release {order.command.subject!r}", next="`andon release list` shows what there is")
    current = order.situation.releases.get(found.service)
    if current is None or current.id != found.id:
        raise Refused(f"Release {found.id} is {found.state}", why="a later release has taken its place")
    walk = order.situation.tx.walk(found.id)
    if walk is None:
        raise Refused(
            f"Release {found.id} was never started here",
            why="it is only named by the policy",
            next=f"`andon release start {found.service} --candidate {found.candidate}`",
        )
    return current, walk


def _check_under_way(release: Release) -> None:
    if release.status.is_over or release.status is ReleaseStatus.ENDORSED:
        raise Refused(f"Release {release.id} is {release.state}", next="nothing moves it any more")


def _answer(
    verdict: Verdict, release: Release, message: str, records: tuple[str, ...] = (), *, runs: tuple[str, ...] = ()
) -> Answer:
    return Answer(verdict, message, release.service, run_ids=runs, record_ids=records or (release.id,))


RELEASE_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.PROMOTE: promote,
    Word.SIGN: sign,
    Word.UNSIGN: unsign,
    Word.SECOND: second,
    Word.ABANDON: abandon,
    Word.RELEASE_ENDORSE: endorse,
    Word.RETROSPECTIVE: retrospective,
}
