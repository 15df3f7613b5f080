"""What is or was live at a moment, how that is known, and whether it should be, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import TypedDict

from bot.domain.live import READ, LastRead
from bot.domain.policies import Policy
from bot.domain.times import format_time
from bot.domain.walks import LiveVersion
from bot.flow.reading_back import placed_in
from bot.flow.shapes import Time
from bot.ports import Transaction

MOST = 100
"""Lines of history of one environment."""
_FEW = 5
_HOW = {
    "baseline": "it is the registered baseline",
    "release": "a release put it there",
    "rollback": "a rollback put it back",
    "canary": "a release put it there for some",
    READ: "it was read back",
}


class LiveEntry(TypedDict):
    """One version from one moment on."""

    version: str | None
    """None: nothing was known from then on."""
    since: Time
    how: str
    """`baseline`, `release`, `rollback`, `canary` or `read`."""
    release_id: str | None
    run_id: str | None


class LastReadView(TypedDict):
    """The newest look at the target itself."""

    at: Time
    version: str | None
    problem: str
    """Why it could not be read; empty where it could."""
    failures: int
    """In a row."""


class LiveState(TypedDict):
    """One environment at the moment that was asked for."""

    environment: str
    version: str | None
    since: Time | None
    how: str | None
    release_id: str | None
    run_id: str | None
    reason: str
    expected: list[str]
    """The versions that were to serve then; none where nobody can tell."""
    as_expected: bool | None
    """None: nobody can tell."""
    last_read: LastReadView | None
    """Only of the present, and only where the target is read back."""
    history: list[LiveEntry]
    """Newest first, up to the moment that was asked for."""


class ServiceLive(TypedDict):
    """What is or was live of one service."""

    service: str
    at: Time
    environments: list[LiveState]


def service_live(
    tx: Transaction, service: str, policy: Policy | None, *, at: datetime | None, environment: str | None, now: datetime
) -> ServiceLive:
    """Every environment of which something is known, or the one that was asked for."""
    reads = {one.environment: one for one in tx.last_reads(service)}
    if environment is None:
        recorded = {one.environment for one in tx.live_versions(service, until=at, limit=1000)}
        named = sorted({*recorded, *reads, *(policy.targets if policy else ())})
    else:
        named = [environment]
    states = [_state(tx, service, one, policy, at, reads.get(one)) for one in named]
    return {"service": service, "at": format_time(at or now), "environments": states}


def live_in(tx: Transaction, service: str, environment: str, policy: Policy | None) -> LiveState:
    """One environment now, with little of its history."""
    return _state(tx, service, environment, policy, None, tx.last_read(service, environment), most=_FEW)


def _state(
    tx: Transaction,
    service: str,
    environment: str,
    policy: Policy | None,
    at: datetime | None,
    last: LastRead | None,
    *,
    most: int = MOST,
) -> LiveState:
    rows = tx.live_versions(service, environment, until=at, limit=most)
    newest = rows[0] if rows else None
    expected = _expected(tx, service, environment, policy, at, last)
    shown = last if at is None and policy is not None and environment in policy.live else None
    is_doubtful = shown is not None and shown.is_unreadable
    version = newest.version if newest and not is_doubtful else None
    return {
        "environment": environment,
        "version": version,
        "since": format_time(newest.since) if newest else None,
        "how": newest.how if newest else None,
        "release_id": newest.release_id if newest else None,
        "run_id": newest.run_id if newest else None,
        "reason": _reason(newest, rows, shown),
        "expected": list(expected),
        "as_expected": version in expected if version is not None and expected else None,
        "last_read": _last_read(shown),
        "history": [_entry(one) for one in rows],
    }


def _expected(
    tx: Transaction, service: str, environment: str, policy: Policy | None, at: datetime | None, last: LastRead | None
) -> Sequence[str]:
    """Now: all that may serve. Of the past: what was put there last; a release that was under way then is not asked."""
    if at is None and policy is not None:
        return placed_in(tx, policy, environment).expected(is_settling=last.is_settling if last else False).versions
    put = tx.live_versions(service, environment, until=at, placed=True, limit=1)
    return [one.version for one in put if one.version is not None]


def _reason(newest: LiveVersion | None, rows: Sequence[LiveVersion], last: LastRead | None) -> str:
    known = next((one for one in rows if one.version is not None), None)
    before = f"; {known.version} was the last that was known" if known else ""
    if last is not None and last.is_unreadable:
        return f"it cannot be read back ({last.failures} times in a row): {last.problem}{before}"
    if last is not None and last.unreleased is not None:
        return f"no release put {last.unreleased} there"
    if newest is None:
        return "nothing is known"
    if newest.version is None:
        return f"nothing is known{before}"
    return _HOW.get(newest.how, newest.how)


def _last_read(last: LastRead | None) -> LastReadView | None:
    if last is None:
        return None
    return {
        "at": format_time(last.read_at),
        "version": last.version,
        "problem": last.problem,
        "failures": last.failures,
    }


def _entry(one: LiveVersion) -> LiveEntry:
    return {
        "version": one.version,
        "since": format_time(one.since),
        "how": one.how,
        "release_id": one.release_id,
        "run_id": one.run_id,
    }
