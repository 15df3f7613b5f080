"""Which versions may serve, by what releases and runs did there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.conditions import compile_condition
from bot.domain.live import LastRead, Placed, first_version, place_of_release
from bot.domain.policies import Policy
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.walks import LiveVersion

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STAGES = [{"name": name} for name in ("evaluation", "canary", "production", "watch")]


def policy(**more: Any) -> Policy:
    values = {"service": "fraud", "match": "true", "targets": {"production": {}, "staging": {}}, **more}
    return Policy.model_validate(values, context={"compile": compile_condition})


def release(**more: Any) -> Release:
    values: dict[str, Any] = {"id": "rel-1", "service": "fraud", "incumbent": "41", "candidate": "42", "opened_at": AT}
    return Release(**values | more)


def put(version: str | None, how: str, minutes: int, **more: Any) -> LiveVersion:
    return LiveVersion("fraud", "production", version, AT + minutes * MINUTE, how, **more)


BASE = put("41", "baseline", -60)


def allowed(*placed: LiveVersion, of: Policy | None = None, settling: bool = False, **more: Any) -> set[str]:
    place = Placed(of or policy(stages=STAGES), more.pop("environment", "production"), placed, **more)
    return set(place.expected(is_settling=settling).versions)


def test_nothing_is_expected_where_nothing_was_ever_put_there() -> None:
    place = Placed(policy(), "production", ())
    assert place.expected().versions == ()
    assert place.expected().allows("44") is None


def test_what_was_put_there_last_is_expected() -> None:
    assert allowed(BASE) == {"41"}
    assert allowed(put("42", "release", 1, release_id="rel-1"), BASE) == {"42"}


@pytest.mark.parametrize(
    ("stage", "versions"),
    [
        ("evaluation", {"41"}),
        ("canary", {"41", "42"}),
        ("production", {"41", "42"}),
        ("watch", {"41", "42"}),
        ("emergency", {"41", "42"}),
        ("a stage of another policy", {"41", "42"}),
    ],
)
def test_from_the_canary_on_both_may_serve(stage: str, versions: set[str]) -> None:
    assert allowed(BASE, release=release(stage=stage)) == versions
    halted = release(stage=stage, status=ReleaseStatus.HALTED, resumes_as=ReleaseStatus.IN_FLIGHT)
    assert allowed(BASE, release=halted) == versions


def test_without_stages_nobody_can_tell_how_far_the_candidate_is() -> None:
    assert allowed(BASE, of=policy(), release=release()) == {"41", "42"}


def test_a_run_that_is_under_way_moves_things() -> None:
    assert allowed(BASE, release=release(stage="evaluation"), run_is_under_way=True) == {"41", "42"}


@pytest.mark.parametrize("status", [ReleaseStatus.LIVE, ReleaseStatus.WATCHED, ReleaseStatus.ENDORSED])
def test_once_it_is_live_the_candidate_alone_is_expected(status: ReleaseStatus) -> None:
    assert allowed(BASE, release=release(status=status)) == {"42"}
    assert allowed(put("42", "release", 5, release_id="rel-1"), BASE, release=release(status=status)) == {"42"}
    halted = release(status=ReleaseStatus.HALTED, resumes_as=status)
    assert allowed(BASE, release=halted) == {"42"}


def test_after_a_rollback_the_incumbent_alone_is_expected() -> None:
    over = release(status=ReleaseStatus.ROLLED_BACK, ended_at=AT + 9 * MINUTE)
    back = put("41", "rollback", 9, run_id="run-1")
    assert allowed(back, put("42", "release", 5), BASE, release=over) == {"41"}
    assert allowed(put("42", "release", 5), BASE, release=over) == {"41"}


def test_a_rollback_to_something_that_nobody_named_expects_nothing() -> None:
    assert allowed(put(None, "rollback", 9, run_id="run-1"), BASE) == set()


def test_soon_after_a_move_what_was_before_may_still_be_seen() -> None:
    over = release(status=ReleaseStatus.ROLLED_BACK, ended_at=AT + 9 * MINUTE)
    rows = (put("41", "rollback", 9), put("42", "release", 5), BASE)
    assert allowed(*rows, release=over, settling=True) == {"41", "42"}
    assert "43" not in allowed(*rows, release=over, settling=True)


def test_where_releases_do_not_go_live_their_candidates_may_serve_anyway() -> None:
    assert allowed(environment="staging", release=release(stage="evaluation")) == {"41", "42"}


def test_what_is_there_in_part_is_expected_beside_what_was_before() -> None:
    assert allowed(put("42", "canary", 5), BASE) == {"41", "42"}


def test_reads_are_counted_from_each_move_anew() -> None:
    first = LastRead("fraud", "production", AT).seen("41", None)
    assert not first.is_settling
    moved = first.seen("42", AT)
    assert [moved.is_settling, moved.seen("42", AT).is_settling, moved.seen("42", AT).seen("42", AT).is_settling] == [
        True,
        True,
        False,
    ]
    assert moved.seen("42", AT).seen("42", AT + MINUTE).is_settling


def test_three_failures_in_a_row_are_unreadable_and_one_answer_ends_that() -> None:
    read = LastRead("fraud", "production", AT, "41")
    for _ in range(2):
        read = read.failed("away")
    assert not read.is_unreadable
    read = read.failed("away")
    assert (read.is_unreadable, read.version, read.problem) == (True, "41", "away")
    assert read.seen("41", None).failures == 0


def test_the_first_version_is_what_a_release_or_the_policy_says() -> None:
    named = {"release": {"incumbent": "41", "candidate": "42"}}
    assert first_version(policy(**named, baseline="40"), None) == "41"
    assert first_version(policy(baseline="40"), None) == "40"
    assert first_version(policy(), None) is None
    assert first_version(policy(), release()) == "41"
    assert first_version(policy(), release(status=ReleaseStatus.ENDORSED)) == "42"


def test_releases_go_live_where_the_live_stage_is() -> None:
    assert place_of_release(policy(stages=STAGES)) == "production"
    assert place_of_release(policy(stages=[{"name": "all", "environment": "eu"}])) == "eu"
    assert place_of_release(policy(targets={"only": {}})) == "only"
    assert place_of_release(policy()) == "production"
