"""A chore of the clock: reads back which version serves, and tells the front door of one that no release put there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.events import ANDON, Accept, Delivery, Receipt
from bot.domain.inner_alerts import LIVE
from bot.domain.live import READ, TOLD_AFTER, Expected, LastRead, Placed
from bot.domain.policies import LiveRead, Policy
from bot.domain.records import AuditEntry
from bot.domain.times import format_time
from bot.domain.walks import LiveVersion
from bot.flow.chores import Rounds, do_each
from bot.flow.live_reading import Seen, read_version
from bot.flow.situation import Situation
from bot.flow.stepping import Workshop
from bot.flow.versions import register_baseline
from bot.ports import Transaction

AT_ONCE = 8
"""Targets that are read at the same time."""
ROUND = timedelta(seconds=10)
"""No read begins later than this in one round; what is left is due at the next look, the longest overdue first."""
_NEVER = timedelta(days=36_500)


@dataclass(frozen=True)
class _Place:
    """One environment that is to be read."""

    policy: Policy
    environment: str
    rule: LiveRead


class ReadingBack:
    """Any number of clocks may read: a slot belongs to whoever takes it first, and telling twice counts once."""

    def __init__(self, rounds: Rounds, workshop: Workshop, accept: Accept) -> None:
        self._rounds = rounds
        self._workshop = workshop
        self._accept = accept

    def look(self) -> None:
        """Read all that is due. It calls outside, so it may take a while."""
        due = self._due()
        if not due:
            return
        end = self._rounds.clock.monotonic() + ROUND.total_seconds()
        with ThreadPoolExecutor(min(AT_ONCE, len(due)), thread_name_prefix="read-back") as pool:
            started = [pool.submit(self._look, place, end) for place in due]
        do_each(started, lambda one: one.result())

    def _due(self) -> list[_Place]:
        now, configuration = self._rounds.now(), self._rounds.configuration()
        places = [
            _Place(policy, environment, rule)
            for policy in configuration.policies.values()
            for environment, rule in policy.live.items()
        ]
        if not places:
            return []
        with self._rounds.store.read() as tx:
            known = {(one.service, one.environment): one for one in tx.last_reads()}
        late = {
            (place.policy.service, place.environment): _overdue(known, place, now) for place in places
        }  # by how long, for the order
        due = [place for place in places if late[place.policy.service, place.environment] >= timedelta(0)]
        return sorted(due, key=lambda place: late[place.policy.service, place.environment], reverse=True)

    def _look(self, place: _Place, end: float) -> None:
        if self._rounds.clock.monotonic() > end:
            return
        claimed = self._claim(place)
        if claimed is None:
            return
        seen = read_version(self._workshop, place.policy, place.environment, place.rule)
        self._record(place, claimed, seen)
        self._hand_over(place)

    def _claim(self, place: _Place) -> LastRead | None:
        """The slot, taken before the call outside: whatever becomes of it, and for other clocks."""
        service, environment = place.policy.service, place.environment
        with self._rounds.at(service) as situation:
            tx, now = situation.tx, situation.now
            last = tx.last_read(service, environment)
            if last is not None and last.read_at <= now < last.read_at + place.rule.every:
                return None
            if situation.drill_at((service, environment)) is not None:
                return None  # what serves there now is what is rehearsed
            register_baseline(tx, place.policy, situation.ensure_release(place.policy), now)
            claimed = replace(last, read_at=now) if last else LastRead(service, environment, now)
            tx.save(claimed)
        return claimed

    def _record(self, place: _Place, claimed: LastRead, seen: Seen) -> None:
        with self._rounds.at(place.policy.service) as situation:
            last = situation.tx.last_read(claimed.service, claimed.environment)
            if last is None or last.read_at != claimed.read_at:
                return  # somebody has looked since
            if situation.drill_at((claimed.service, claimed.environment)) is not None:
                return  # it may be an answer of the drill that began meanwhile
            if seen.version is None:
                self._unreadable(situation, place, last.failed(seen.problem))
            else:
                self._readable(situation, place, last, seen.version)

    def _unreadable(self, situation: Situation, place: _Place, last: LastRead) -> None:
        tx = situation.tx
        tx.save(last)
        if last.failures != TOLD_AFTER:
            return
        newest = next(iter(tx.live_versions(last.service, last.environment, limit=1)), None)
        if newest is None or newest.version is not None:
            _add(tx, LiveVersion(last.service, last.environment, None, last.read_at, READ, data={"why": last.problem}))
        facts = {"environment": last.environment, "problem": last.problem}
        cause = f"live:{last.service}/{last.environment}"
        tell = self._rounds.consequences.teller.to_engineers
        situation.tell(tell("live_unreadable", place.policy, cause=cause, now=situation.now, **facts))
        subject = f"service:{last.service}"
        situation.record(AuditEntry(situation.now, ANDON.name, "live.unreadable", subject, facts))

    def _readable(self, situation: Situation, place: _Place, last: LastRead, version: str) -> None:
        placed = placed_in(situation.tx, place.policy, place.environment)
        moved_at = placed.moved_at
        if moved_at is not None and moved_at > last.read_at:
            situation.tx.save(replace(last, version=version, problem="", failures=0))
            return  # the answer may be older than the move
        last = last.seen(version, moved_at)
        expected = placed.expected(is_settling=last.is_settling)
        since = _note_version(situation.tx, last, version, expected, placed)
        situation.tx.save(_judged(last, version, expected, since, situation.ids.new))

    def _hand_over(self, place: _Place) -> None:
        """What the front door is owed, oldest first. It may be handed over twice; it counts once."""
        service, environment = place.policy.service, place.environment
        with self._rounds.store.read() as tx:
            last = tx.last_read(service, environment)
        for delivery_id, body in _owed(last):
            raw = json.dumps(body).encode()
            headers = {"content-type": "application/json", "webhook-id": delivery_id}
            receipt = self._accept([Delivery(LIVE, raw, headers)])[0]
            self._settle(service, environment, delivery_id, body, receipt)

    def _settle(self, service: str, environment: str, delivery_id: str, body: dict[str, Any], receipt: Receipt) -> None:
        with self._rounds.at(service) as situation:
            last = situation.tx.last_read(service, environment)
            if last is None or delivery_id not in last.owed:
                return  # another clock was quicker
            left = {name: one for name, one in last.owed.items() if name != delivery_id}
            situation.tx.save(replace(last, owed=left))
            subject = f"service:{service}"
            action = "live.unreleased" if body["status"] == "firing" else "live.expected"
            situation.record(
                AuditEntry(situation.now, ANDON.name, action, subject, {**body, "event": receipt.event_id})
            )
            for incident_id in receipt.incidents:
                incident = situation.tx.incident(incident_id)
                if incident is not None:
                    self._rounds.consequences.write(situation, incident, "live", _sentence(body), data=body)


def placed_in(tx: Transaction, policy: Policy, environment: str) -> Placed:
    """What releases and runs did in one environment."""
    service = policy.service
    return Placed(
        policy,
        environment,
        tx.live_versions(service, environment, placed=True, limit=20),
        tx.latest_releases((service,)).get(service),
        (service, environment) in tx.active_runs((service,)),
    )


def _overdue(known: dict[tuple[str, str], LastRead], place: _Place, now: datetime) -> timedelta:
    last = known.get((place.policy.service, place.environment))
    if last is None or last.read_at > now:  # a clock that was set back
        return _NEVER
    return now - last.read_at - place.rule.every


def _note_version(tx: Transaction, last: LastRead, version: str, expected: Expected, placed: Placed) -> datetime:
    """Since when it serves, as far as it was seen; written down where it changed."""
    rows = tx.live_versions(last.service, last.environment, limit=20)
    if rows and rows[0].version == version:
        return rows[0].since
    if expected.in_part and version in expected.versions and placed.moved_at is not None:
        # Whoever is asked by turns answers by turns: each version stands in the history once for each move.
        known = next((one for one in rows if one.version == version and one.since >= placed.moved_at), None)
        if known is not None:
            return known.since
    data = {"expected": list(expected.versions), "was": rows[0].version if rows else None}
    _add(tx, LiveVersion(last.service, last.environment, version, last.read_at, READ, data=data))
    return last.read_at


def _add(tx: Transaction, made: LiveVersion) -> None:
    tx.add(made)
    data = {"version": made.version, "environment": made.environment, "how": made.how}
    tx.add(AuditEntry(made.since, ANDON.name, "version.live", f"service:{made.service}", data))


def _judged(
    last: LastRead, version: str, expected: Expected, since: datetime, new_id: Callable[[str], str]
) -> LastRead:
    """The read with what the front door is owed after it: an end of what was unreleased, the beginning of what is."""
    is_allowed = expected.allows(version)
    if is_allowed is None or (not is_allowed and last.unreleased == version):
        return last
    owed, told = dict(last.owed), last.unreleased_since
    if last.unreleased is not None:
        owed[new_id("lvr")] = _body(last, last.unreleased, told or since, expected, "resolved")
        last = replace(last, unreleased=None)  # since when stays: the same version may be wrong once more, later
    if not is_allowed:
        since = since if told is None or since > told else last.read_at
        owed[new_id("lvr")] = _body(last, version, since, expected, "firing")
        last = replace(last, unreleased=version, unreleased_since=since)
    return replace(last, owed=owed)


def _body(last: LastRead, version: str, since: datetime, expected: Expected, status: str) -> dict[str, Any]:
    return {
        "service": last.service,
        "environment": last.environment,
        "version": version,
        "status": status,
        "since": format_time(since),
        "expected": list(expected.versions),
        "was": expected.versions[0] if expected.versions else "",
        "seen": last.version or "",
        "why": expected.why,
    }


def _owed(last: LastRead | None) -> Iterator[tuple[str, dict[str, Any]]]:
    if last is not None:
        yield from sorted(last.owed.items())


def _sentence(body: dict[str, Any]) -> str:
    expected = " or ".join(body["expected"])
    if body["status"] == "resolved":
        again = " as expected" if body["seen"] in body["expected"] else ""
        if body["seen"] == body["version"]:
            return f"Read back: {body['version']} serves {body['environment']} as expected now: {body['why']}"
        return f"Read back: {body['version']} does not serve {body['environment']} any more, {body['seen']} does{again}"
    return (
        f"Read back: {body['version']} serves {body['environment']}, seen first at {body['since']}. "
        f"Expected is {expected}: {body['why']}"
    )
