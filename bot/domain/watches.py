"""The watch over what was restored: how long its measurements have been good, and what each look makes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from bot.domain.conditions import Truth
from bot.domain.times import format_duration

UNKNOWN_AFTER = 3
"""So many looks in a row gave no data before people are told that nothing is known."""
LONGEST_GAP = 2
"""Between two good looks at most so many pauses count: what nobody looked at was not seen to be good."""
STALE_AFTER = timedelta(minutes=2)
"""A watch that was not looked at for longer, by more than a few pauses, says nothing of now."""


class WatchState(StrEnum):
    """What the last look has shown. Unknown never lets the window run on."""

    HOLDING = "holding"
    FAILING = "failing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reading:
    """One metric at one look; no value where there was no data, then `why` says so."""

    query: str
    condition: str
    truth: Truth
    value: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Look:
    """All that was seen at one moment."""

    at: datetime
    readings: Sequence[Reading]
    alerts: int
    """Alerts of note that this incident has had so far."""
    window: timedelta
    every: timedelta


@dataclass(frozen=True)
class Watch:
    """How the restored state of one incident does. One row each; another rollback begins it anew."""

    incident_id: str
    service: str
    environment: str
    run_id: str
    """The rollback whose result is watched."""
    restored_at: datetime
    begun_at: datetime
    """Of the window that runs now."""
    looked_at: datetime
    """When the last look began."""
    window_seconds: float
    alerts: int = 0
    """Alerts of note that were counted in by now."""
    state: WatchState = WatchState.UNKNOWN
    held_seconds: float = 0.0
    """How much of the window was seen to be good."""
    good_at: datetime | None = None
    """The last look, if it was a good one: from there on the window runs."""
    unknowns: int = 0
    """In a row."""
    problem: str = ""
    told: str = ""
    """What people were told last, as a state; empty since all was good again."""
    stable_at: datetime | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """By position: what each metric was in this window."""

    def after(self, look: Look) -> Self:
        """The watch after one more look. A break begins the window anew; no data only keeps it from running on."""
        seen = replace(self, window_seconds=look.window.total_seconds(), alerts=max(self.alerts, look.alerts))
        if broken := _broken(look, self.alerts):
            return replace(seen._with(look, fresh=True), **_BROKEN, begun_at=look.at, problem=broken)
        if unclear := "; ".join(_sentence(one) for one in look.readings if one.truth is Truth.UNKNOWN):
            return replace(
                seen._with(look), state=WatchState.UNKNOWN, unknowns=self.unknowns + 1, good_at=None, problem=unclear
            )
        begins = bool(look.readings) and not self.held_seconds and self.good_at is None
        return seen._with(look, fresh=begins)._good(look, begins=begins)

    def _good(self, look: Look, *, begins: bool) -> Self:
        good = replace(self, begun_at=look.at if begins else self.begun_at)
        if look.readings:
            gap = (look.at - (self.good_at or look.at)).total_seconds()
            held = self.held_seconds + min(max(0.0, gap), LONGEST_GAP * look.every.total_seconds())
        else:
            held = max(0.0, (look.at - self.begun_at).total_seconds())
        stable = self.stable_at or look.at if held >= good.window_seconds else None
        return replace(
            good,
            state=WatchState.HOLDING,
            held_seconds=held,
            good_at=look.at,
            unknowns=0,
            problem="",
            told="",
            stable_at=stable,
        )

    def _with(self, look: Look, *, fresh: bool = False) -> Self:
        """What each metric was at this look, and since the window began."""
        known = {} if fresh else self.metrics
        return replace(
            self,
            metrics={str(number): _kept(known.get(str(number)), one) for number, one in enumerate(look.readings)},
        )

    @property
    def is_news(self) -> bool:
        """Whether people are to be told how it stands, since they were told something else last."""
        is_blind = self.state is WatchState.UNKNOWN and self.unknowns >= UNKNOWN_AFTER
        return (is_blind or self.state is WatchState.FAILING) and self.told != self.state

    @property
    def left(self) -> timedelta:
        """How much of the window is still to be seen good."""
        return timedelta(seconds=max(0.0, self.window_seconds - self.held_seconds))

    @property
    def figures(self) -> list[dict[str, Any]]:
        """What was measured, in the order of the policy."""
        return [dict(self.metrics[name]) for name in sorted(self.metrics, key=int)]

    def is_stale(self, now: datetime, every: timedelta) -> bool:
        """Looked at too long ago to say anything of now."""
        return now - self.looked_at > max(STALE_AFTER, 5 * every)


_BROKEN: Mapping[str, Any] = {
    "state": WatchState.FAILING,
    "held_seconds": 0.0,
    "good_at": None,
    "unknowns": 0,
    "stable_at": None,
}


def _broken(look: Look, alerts: int) -> str:
    reasons = [_sentence(one) for one in look.readings if one.truth is Truth.NO]
    if look.alerts > alerts:
        reasons.append("an alert fired that meets a criterion or is SEV-1 or SEV-2")
    return "; ".join(reasons)


def _sentence(one: Reading) -> str:
    if one.truth is Truth.UNKNOWN:
        return f"`{one.query}` is not known: {one.why}"
    return f"`{one.query}` is {one.value:g}, so `{one.condition}` does not hold"


def _kept(before: Mapping[str, Any] | None, one: Reading) -> dict[str, Any]:
    same = before is not None and (before["query"], before["condition"]) == (one.query, one.condition)
    empty: dict[str, Any] = {"low": None, "high": None, "samples": 0, "value": None}
    known = {**empty, **(before if same and before is not None else {})}
    state = {Truth.YES: WatchState.HOLDING, Truth.NO: WatchState.FAILING}.get(one.truth, WatchState.UNKNOWN)
    known |= {"query": one.query, "condition": one.condition, "state": str(state), "why": one.why}
    if one.value is None:
        return known
    lows, highs = ([end for end in (known[key], one.value) if end is not None] for key in ("low", "high"))
    return known | {"value": one.value, "low": min(lows), "high": max(highs), "samples": known["samples"] + 1}


def stable_words(watch: Watch) -> str:
    """The line of the timeline for a window that is over."""
    span = format_duration(timedelta(seconds=watch.window_seconds))
    if not watch.metrics:
        return f"Stable for {span}: no alert of note came in; the policy names no metrics, so time alone counts"
    seen = "; ".join(f"`{one['query']}` {one['low']:g} to {one['high']:g}" for one in watch.figures)
    return f"Stable for {span}: {seen}"
