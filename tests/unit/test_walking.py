"""The way of a release: every state and every rule that keeps it where it is, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.conditions import compile_condition
from bot.domain.errors import Refused
from bot.domain.gates import GateResult, GateVerdict, worst
from bot.domain.incidents import Severity
from bot.domain.pins import Pin
from bot.domain.policies import Policy
from bot.domain.releases import Release, ReleaseStatus, Service
from bot.domain.stages import Freeze, GateUse, Stage
from bot.domain.walking import (
    Position,
    check_may_go_on,
    check_not_frozen,
    newest_of,
    position_after,
    severity_of,
    verdict_over,
)
from bot.domain.walks import ReleaseKind, Walk

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAMES = ("evaluation", "canary", "production", "watch")
ON_ITS_WAY = (ReleaseStatus.IN_FLIGHT, ReleaseStatus.LIVE, ReleaseStatus.WATCHED, ReleaseStatus.ENDORSED)
FREE = Service("fraud")
HALTED = FREE.halted("ada", "scores look wrong", NOW)


def pin_of(*names: str, kind: ReleaseKind = ReleaseKind.STANDARD, **more: Any) -> Pin:
    plain = {"service": "fraud", "match": "true", "stages": [{"name": name} for name in names or NAMES], **more}
    return Pin(Policy.model_validate(plain, context={"compile": compile_condition}), kind)


def release_in(stage: str | None, status: ReleaseStatus = ReleaseStatus.IN_FLIGHT) -> Release:
    return Release("rel-1", "fraud", "41", "42", NOW, status=status, stage=stage)


def walk_of(**more: Any) -> Walk:
    return Walk("rel-1", "fraud", "olga", "digest", "pin", **more)


def result(
    position: int,
    verdict: GateVerdict,
    *,
    stage: str = "evaluation",
    at: datetime = NOW,
    id: str = "vdt-1",  # noqa: A002
) -> GateResult:
    return GateResult(id, "rel-1", "fraud", stage, position, "metric", "f1", {}, verdict, "", at, "andon 1")


@pytest.mark.parametrize(
    ("status", "stage", "there"),
    [
        (ReleaseStatus.IN_FLIGHT, "evaluation", Position(ReleaseStatus.IN_FLIGHT, "canary")),
        (ReleaseStatus.IN_FLIGHT, "canary", Position(ReleaseStatus.IN_FLIGHT, "production")),
        (ReleaseStatus.IN_FLIGHT, "production", Position(ReleaseStatus.LIVE, "watch")),
        (ReleaseStatus.LIVE, "watch", Position(ReleaseStatus.WATCHED, None)),
        (ReleaseStatus.IN_FLIGHT, "nowhere", Position(ReleaseStatus.IN_FLIGHT, None)),
        (ReleaseStatus.IN_FLIGHT, None, Position(ReleaseStatus.IN_FLIGHT, None)),
    ],
)
def test_a_stage_leads_to_the_next_then_live_then_watched(
    status: ReleaseStatus, stage: str | None, there: Position
) -> None:
    assert position_after(pin_of(), release_in(stage, status)) == there


def test_each_walk_from_the_first_stage_ends_and_is_live_before_it_is_watched() -> None:
    for names in (
        ("only",),
        ("evaluation", "production"),
        ("a", "b", "watch"),
        ("watch",),
        ("production", "b", "watch"),
    ):
        pin, release, seen = pin_of(*names), release_in(names[0]), []
        for _ in range(len(names) + 1):
            there = position_after(pin, release)
            seen.append(there.status)
            release = replace(release, status=there.status, stage=there.stage)
            if there.stage is None:
                break
        assert release.stage is None
        assert ReleaseStatus.LIVE in seen, f"{names} goes live"
        assert seen == sorted(seen, key=[*ReleaseStatus].index), f"{names} never goes back: {seen}"


def test_a_stage_that_is_marked_live_puts_the_candidate_before_everybody() -> None:
    stages = [{"name": "production"}, {"name": "all", "live": True}, {"name": "watch"}]
    pin = pin_of(stages=stages)
    assert position_after(pin, release_in("production")) == Position(ReleaseStatus.IN_FLIGHT, "all")
    assert position_after(pin, release_in("all")) == Position(ReleaseStatus.LIVE, "watch")


def test_an_emergency_walks_through_its_one_stage() -> None:
    gates = [{"use": "metric", "metric": "f1", "at_least": 0.7}]
    pin = pin_of(kind=ReleaseKind.EMERGENCY, emergency={"gates": gates})
    assert [stage.name for stage in pin.stages] == ["emergency"]
    assert position_after(pin, release_in("emergency")) == Position(ReleaseStatus.LIVE, None)
    assert pin_of(kind=ReleaseKind.EMERGENCY).stages == (), "an emergency that is not declared has no stage"


# Every state x every event: start, ask, pass, halt, lift, restore, abandon. A halt wins in each of them.

EVENTS: dict[str, Callable[[Release], Release]] = {
    "halt": lambda one: one.with_halt(halted=True),
    "lift": lambda one: one.with_halt(halted=False),
    "abandon": lambda one: one.at(ReleaseStatus.ABANDONED, None, NOW),
    "restore": lambda one: one.at(ReleaseStatus.ROLLED_BACK, None, NOW),
    "pass": lambda one: one.at(*_next(one), NOW),
}


def _next(release: Release) -> tuple[ReleaseStatus, str | None]:
    there = position_after(pin_of(), release)
    return there.status, there.stage


@pytest.mark.parametrize("event", [*EVENTS, "nothing"])
@pytest.mark.parametrize("stage", [*NAMES, None])
@pytest.mark.parametrize("status", list(ReleaseStatus))
def test_a_halt_wins_in_every_state_whatever_came_before(status: ReleaseStatus, stage: str | None, event: str) -> None:
    release = release_in(stage, status)
    after = EVENTS[event](release) if event in EVENTS else release
    halted = after.with_halt(halted=True)
    assert (halted.status is ReleaseStatus.HALTED) is after.is_in_flight
    with pytest.raises(Refused):
        check_may_go_on(pin_of(), halted, walk_of(), HALTED, NOW)
    with pytest.raises(Refused):  # neither the flag of the service nor the status of the release alone lets it through
        check_may_go_on(pin_of(), after, walk_of(), HALTED, NOW)
    if after.is_in_flight:
        with pytest.raises(Refused, match="halted"):
            check_may_go_on(pin_of(), halted, walk_of(), FREE, NOW)


@pytest.mark.parametrize("status", ON_ITS_WAY)
def test_a_lift_gives_back_what_the_halt_found_and_moves_nothing(status: ReleaseStatus) -> None:
    release = release_in("canary", status)
    assert release.with_halt(halted=True).with_halt(halted=False) == release
    twice = release.with_halt(halted=True).with_halt(halted=True)
    assert twice.with_halt(halted=False) == release


@pytest.mark.parametrize("status", [ReleaseStatus.ROLLED_BACK, ReleaseStatus.ABANDONED])
def test_what_is_over_is_neither_halted_nor_revived(status: ReleaseStatus) -> None:
    over = release_in(None, status)
    assert over.with_halt(halted=True) == over.with_halt(halted=False) == over


@pytest.mark.parametrize("stage", NAMES)
def test_a_release_in_a_stage_may_go_on_where_nothing_stands_in_the_way(stage: str) -> None:
    assert check_may_go_on(pin_of(), release_in(stage), walk_of(stage_entered_at=NOW), FREE, NOW).name == stage


@pytest.mark.parametrize(
    ("release", "walk", "said"),
    [
        (release_in("canary", ReleaseStatus.ABANDONED), walk_of(), "abandoned"),
        (release_in("canary", ReleaseStatus.ROLLED_BACK), walk_of(), "rolled back"),
        (release_in(None, ReleaseStatus.LIVE), walk_of(), "no stage"),
        (release_in(None, ReleaseStatus.ENDORSED), walk_of(), "no stage"),
        (release_in("gone"), walk_of(), "no stage"),
        (release_in(None), walk_of(), "no stage"),
    ],
)
def test_where_there_is_no_stage_to_pass_nothing_goes_on(release: Release, walk: Walk, said: str) -> None:
    with pytest.raises(Refused, match=said):
        check_may_go_on(pin_of(), release, walk, FREE, NOW)


def test_a_window_is_over_at_its_last_moment_and_not_before() -> None:
    pin = pin_of(stages=[{"name": "watch", "window": "1h"}])
    walk, end = walk_of(stage_entered_at=NOW), NOW + timedelta(hours=1)
    with pytest.raises(Refused, match="lasts until"):
        check_may_go_on(pin, release_in("watch"), walk, FREE, end - timedelta(microseconds=1))
    assert check_may_go_on(pin, release_in("watch"), walk, FREE, end).name == "watch"


def test_an_emergency_waits_for_its_second_person() -> None:
    gates = [{"use": "metric", "metric": "f1", "at_least": 0.7}]
    pin, release = pin_of(kind=ReleaseKind.EMERGENCY, emergency={"gates": gates}), release_in("emergency")
    with pytest.raises(Refused, match="second person"):
        check_may_go_on(pin, release, walk_of(), FREE, NOW)
    assert check_may_go_on(pin, release, walk_of(second_person="otto"), FREE, NOW).name == "emergency"


def test_a_freeze_refuses_and_says_which() -> None:
    check_not_frozen(None)
    with pytest.raises(Refused, match="year end"):
        check_not_frozen(Freeze.model_validate({"name": "year end", "from": "2026-12-20", "to": "2027-01-02"}))


GATES = (GateUse(use="metric"), GateUse(use="checklist"))
EVALUATION = Stage(name="evaluation", gates=GATES)


@pytest.mark.parametrize("second", [*GateVerdict, None])
@pytest.mark.parametrize("first", [*GateVerdict, None])
def test_a_stage_passes_only_where_every_gate_was_run_and_passes(
    first: GateVerdict | None, second: GateVerdict | None
) -> None:
    results = [result(at, one) for at, one in enumerate((first, second)) if one is not None]
    verdict = verdict_over(EVALUATION, results)
    if GateVerdict.FAIL in (first, second):
        assert verdict is GateVerdict.FAIL
    elif first is second is GateVerdict.PASS:
        assert verdict is GateVerdict.PASS
    else:
        assert verdict is GateVerdict.UNKNOWN


def test_the_newest_result_of_each_gate_counts_and_those_of_other_stages_do_not() -> None:
    results = [
        result(0, GateVerdict.FAIL, id="newest"),
        result(0, GateVerdict.PASS, id="older"),
        result(1, GateVerdict.PASS, stage="canary", id="elsewhere"),
        result(2, GateVerdict.PASS, id="no such gate"),
    ]
    assert {at: one.id for at, one in newest_of(EVALUATION, results).items()} == {0: "newest"}
    assert verdict_over(Stage(name="empty"), results) is GateVerdict.PASS
    assert worst([]) is GateVerdict.UNKNOWN


@pytest.mark.parametrize(
    ("stage", "status", "expected"),
    [
        ("evaluation", ReleaseStatus.IN_FLIGHT, Severity.SEV_3),
        ("staging", ReleaseStatus.IN_FLIGHT, Severity.SEV_3),
        ("canary", ReleaseStatus.IN_FLIGHT, Severity.SEV_2),
        ("production", ReleaseStatus.IN_FLIGHT, Severity.SEV_2),
        ("watch", ReleaseStatus.LIVE, Severity.SEV_2),
        ("emergency", ReleaseStatus.IN_FLIGHT, Severity.SEV_2),
        ("evaluation", ReleaseStatus.LIVE, Severity.SEV_2),
    ],
)
def test_a_failing_gate_is_worse_once_traffic_is_at_stake(
    stage: str, status: ReleaseStatus, expected: Severity
) -> None:
    assert severity_of(GateUse(use="metric"), Stage(name=stage), release_in(stage, status)) is expected
    said = GateUse(use="metric", severity=Severity.SEV_1)
    assert severity_of(said, Stage(name=stage), release_in(stage, status)) is Severity.SEV_1
