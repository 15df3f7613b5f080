"""Reads where each service stands: what was restored, how fast, when last, and what is in trouble."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.discipline import Attempt, How, Practice
from bot.domain.policies import Policy
from bot.flow.discipline_judging import Judging, Standing
from bot.ports import Transaction

DAYS = 90
"""What is measured goes back so far, unless somebody asks for another span."""
MOST_DAYS = 3650

_Of = TypeVar("_Of", Attempt, Practice)


def standings(
    tx: Transaction, policies: Mapping[str, Policy], *, now: datetime, days: int = DAYS, service: str | None = None
) -> list[Standing]:
    """By name: one for each service of a policy, and each that was restored or rehearsed; or the one asked for."""
    since = now - timedelta(days=days)
    attempts = _by_service(tx.attempts(since=since, service=service))
    practices = _by_service(tx.practices(service))
    names = {service} if service is not None else {*policies, *attempts, *practices}
    made = [
        Judging(name, policies.get(name), attempts.get(name, []), practices.get(name, []), since, now).standing()
        for name in sorted(names)
    ]
    return _with_help(tx, made)


def _by_service(found: Iterable[_Of]) -> dict[str, list[_Of]]:
    grouped: dict[str, list[_Of]] = {}
    for one in found:
        grouped.setdefault(one.service, []).append(one)
    return grouped


def _with_help(tx: Transaction, made: Sequence[Standing]) -> list[Standing]:
    """Whether the real rollbacks that are shown needed a person."""
    shown = [
        one
        for standing in made
        for one in (*standing.recent, standing.latest, standing.proof, standing.measured)
        if one is not None
    ]
    real = [one.id for one in shown if one.how is How.ROLLBACK]
    helped = tx.helped(real) if real else frozenset()

    def known(one: Attempt) -> Attempt:
        return replace(one, human=one.id in helped) if one.how is How.ROLLBACK else one

    return [
        replace(
            one,
            latest=known(one.latest) if one.latest else None,
            proof=known(one.proof) if one.proof else None,
            measured=known(one.measured) if one.measured else None,
            recent=tuple(known(attempt) for attempt in one.recent),
        )
        for one in made
    ]
