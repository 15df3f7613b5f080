"""What the store promises about releases on their way: walks, evidence, verdicts, versions, canaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from support.store_records import AT, new_id, release

from bot.adapters.sql import SqlStore
from bot.domain.canaries import AffectedKeys, Canary, CanaryPoint, CanaryVerdict, ObservationBatch
from bot.domain.errors import Conflict
from bot.domain.gates import Evidence, Figure, GateResult, GateVerdict, Signature
from bot.domain.live import LastRead
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.walks import (
    KnownVersion,
    LiveVersion,
    ReleaseKind,
    UnplannedDependency,
    VersionStanding,
    Walk,
)

HOUR = timedelta(hours=1)
HOSTILE = "<!channel> \u202e 😀 '; DROP TABLE walks; -- {{ 7*7 }}"


@pytest.fixture
def candidate(store: SqlStore) -> Release:
    """The release that everything here is about."""
    made = release(stage="canary", resumes_as=ReleaseStatus.IN_FLIGHT)
    with store.write() as tx:
        tx.add(made)
    return made


def walk(of: Release, **changes: Any) -> Walk:
    values: dict[str, Any] = {
        "release_id": of.id,
        "service": of.service,
        "started_by": "olga",
        "policy_digest": "p" * 16,
        "pin": "f" * 64,
    }
    return Walk(**values | changes)


def evidence(of: Release | None, name: str = "evaluation", **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "id": new_id("evd"),
        "service": "fraud-model",
        "release_id": of.id if of else None,
        "name": name,
        "media": "application/json",
        "sha256": "a" * 64,
        "size": 12,
        "at": AT,
        "by": "ci",
    }
    return Evidence(**values | changes)


def result(of: Release, **changes: Any) -> GateResult:
    values: dict[str, Any] = {
        "id": new_id("gat"),
        "release_id": of.id,
        "service": of.service,
        "stage": "evaluation",
        "position": 0,
        "use": "metric",
        "name": "F1 of the candidate",
        "params": {"metric": "f1", "at_least": 0.9, "deep": [1, {"two": None}]},
        "verdict": GateVerdict.UNKNOWN,
        "why": HOSTILE,
        "at": AT,
        "code_version": "0.3.0",
    }
    return GateResult(**values | changes)


def signature(of: Release, **changes: Any) -> Signature:
    values: dict[str, Any] = {"id": new_id("sig"), "release_id": of.id, "subject": "item:runbook", "by": "o", "at": AT}
    return Signature(**values | changes)


def live(version: str | None, since: Any, **changes: Any) -> LiveVersion:
    values: dict[str, Any] = {"service": "fraud-model", "environment": "production", "how": "release"}
    return LiveVersion(version=version, since=since, **values | changes)


def canary(of: Release, **changes: Any) -> Canary:
    values: dict[str, Any] = {"release_id": of.id, "service": of.service, "phase": "canary", "opened_at": AT}
    return Canary(**values | changes)


def batch(of: Release, key: str, **changes: Any) -> ObservationBatch:
    values: dict[str, Any] = {
        "id": new_id("obs"),
        "release_id": of.id,
        "key": key,
        "received_at": AT,
        "media": "application/x-ndjson",
        "encoding": "gzip",
        "sha256": "b" * 64,
        "content": b"\x1f\x8b\x00\xff",
    }
    return ObservationBatch(**values | changes)


# Releases and their walks


def test_a_release_keeps_its_stage_and_what_it_was_before_a_halt(store: SqlStore, candidate: Release) -> None:
    halted = replace(candidate, status=ReleaseStatus.HALTED, stage="production", resumes_as=ReleaseStatus.LIVE)
    with store.write() as tx:
        assert tx.release(candidate.id) == candidate
        tx.save(halted)
    with store.read() as tx:
        assert tx.release(candidate.id) == halted


def test_releases_are_listed_newest_first_in_pages_and_by_service(store: SqlStore) -> None:
    made = [release(service=service) for service in ("a", "b", "a", "a")]
    with store.write() as tx:
        tx.add(*made)
    with store.read() as tx:
        assert tx.releases(limit=10) == made[::-1]
        assert tx.releases(limit=2) == made[:1:-1]
        assert tx.releases(limit=10, before=made[2].id) == made[1::-1]
        assert tx.releases(limit=10, service="a", before=made[3].id) == [made[2], made[0]]
        assert tx.releases(limit=10, service="none") == []


def test_a_walk_comes_back_as_it_was_added_and_as_it_was_changed(store: SqlStore, candidate: Release) -> None:
    one = walk(candidate, kind=ReleaseKind.EMERGENCY, manifest_digest="e" * 64, second_person="otto")
    with store.write() as tx:
        tx.add(one)
    with store.read() as tx:
        assert tx.walk(candidate.id) == one
        assert tx.walk("rel-none") is None
    on = replace(one.entered(AT, passed="evaluation", judge_at=AT + HOUR).wanted(HOSTILE, AT), run_id="run-1")
    on = replace(on, live_at=AT, watched_at=AT, endorsed_by="nina", endorsed_at=AT, retrospective=HOSTILE)
    with store.write() as tx:
        tx.save(on)
    with store.read() as tx:
        assert tx.walk(candidate.id) == on
        assert on.passed == ("evaluation",)


def test_a_release_has_one_walk(store: SqlStore, candidate: Release) -> None:
    with store.write() as tx:
        tx.add(walk(candidate))
    with pytest.raises(Conflict), store.write() as tx:
        tx.add(walk(candidate, started_by="otto"))


def test_those_are_to_be_judged_whose_time_has_come_the_longest_due_first(store: SqlStore) -> None:
    now, made = store.now(), [release(service=f"s{number}") for number in range(4)]
    due = [now - HOUR, now - 2 * HOUR, now + HOUR, None]
    with store.write() as tx:
        tx.add(*made, *(walk(one, judge_at=at) for one, at in zip(made, due, strict=True)))
    with store.read() as tx:
        assert tx.releases_to_judge() == [made[1].id, made[0].id]


def test_retrospectives_are_due_until_they_are_written(store: SqlStore, candidate: Release) -> None:
    now, other = store.now(), release(service="elsewhere")
    late = walk(candidate, kind=ReleaseKind.EMERGENCY, retrospective_due_at=now - HOUR)
    with store.write() as tx:
        tx.add(other, late, walk(other, retrospective_due_at=now + HOUR))
    with store.read() as tx:
        assert tx.due_retrospectives() == [late]
    with store.write() as tx:
        tx.save(replace(late, retrospective="so", retrospective_by="olga", retrospective_at=now))
    with store.read() as tx:
        assert tx.due_retrospectives() == []


def test_emergencies_are_counted_by_service_and_time(store: SqlStore) -> None:
    made = [release(opened_at=AT + number * HOUR) for number in range(4)]
    kinds = [ReleaseKind.EMERGENCY, ReleaseKind.EMERGENCY, ReleaseKind.STANDARD, ReleaseKind.EMERGENCY]
    with store.write() as tx:
        tx.add(*made, *(walk(one, kind=kind) for one, kind in zip(made, kinds, strict=True)))
    with store.read() as tx:
        assert tx.emergencies_since("fraud-model", AT) == 3
        assert tx.emergencies_since("fraud-model", AT + HOUR) == 2
        assert tx.emergencies_since("fraud-model", AT + 4 * HOUR) == 0
        assert tx.emergencies_since("elsewhere", AT) == 0


# Evidence, verdicts, signatures


def test_evidence_is_found_by_id_and_newest_first_by_release_and_name(store: SqlStore, candidate: Release) -> None:
    made = [evidence(candidate), evidence(candidate, "latency", about="incumbent", version="41"), evidence(candidate)]
    loose = evidence(None, source="http://127.0.0.1/x", size=0)
    with store.write() as tx:
        tx.add(*made, loose)
    with store.read() as tx:
        assert tx.evidence(made[1].id) == made[1]
        assert tx.evidence(loose.id) == loose
        assert tx.evidence("evd-none") is None
        assert tx.evidence_of(candidate.id) == made[::-1]
        assert tx.evidence_of(candidate.id, name="evaluation") == [made[2], made[0]]
        assert tx.evidence_of(candidate.id, name="none") == []


def test_verdicts_come_newest_first_in_the_order_in_which_they_were_added(store: SqlStore, candidate: Release) -> None:
    figure = Figure("f1", 0.91, "at least 0.9", 0.89, 0.93, 1000, "candidate", "")
    made = [
        result(candidate, id=f"gat-{name}", position=place, verdict=verdict, figures=(figure,), evidence_ids=("evd-1",))
        for name, place, verdict in (
            ("z", 0, GateVerdict.PASS),
            ("a", 1, GateVerdict.FAIL),
            ("m", 0, GateVerdict.UNKNOWN),
        )
    ]
    with store.write() as tx:
        tx.add(*made[:2])
    with store.write() as tx:
        tx.add(made[2])
    with store.read() as tx:
        assert tx.gate_results(candidate.id) == made[::-1]
        assert tx.gate_results(candidate.id, limit=1) == [made[2]]
        assert tx.gate_results("rel-none") == []


def test_a_verdict_without_a_number_keeps_that_there_was_none(store: SqlStore, candidate: Release) -> None:
    one = result(candidate, figures=(Figure("f1", None, "at least 0.9"),), details={"n": None}, query="up{}")
    with store.write() as tx:
        tx.add(one)
    with store.read() as tx:
        assert tx.gate_results(candidate.id) == [one]


def test_signatures_are_listed_oldest_first_also_when_they_were_withdrawn(store: SqlStore, candidate: Release) -> None:
    made = [signature(candidate, note=HOSTILE, role="endorser"), signature(candidate, subject="brief:executive")]
    with store.write() as tx:
        tx.add(*made)
    gone = replace(made[0], withdrawn_at=AT + HOUR)
    with store.write() as tx:
        tx.save(gone)
    with store.read() as tx:
        assert tx.signatures(candidate.id) == [gone, made[1]]
        assert tx.signatures("rel-none") == []


# Versions


def test_known_versions_are_found_and_listed_newest_first(store: SqlStore) -> None:
    base = KnownVersion("fraud-model", "41", VersionStanding.BASELINE, AT, "andon")
    later = KnownVersion("fraud-model", "42", VersionStanding.ENDORSED, AT + HOUR, "olga", "rel-1")
    with store.write() as tx:
        tx.add(base)
        tx.save(later, KnownVersion("elsewhere", "7", VersionStanding.BASELINE, AT, "andon"))
    with store.read() as tx:
        assert tx.known_versions("fraud-model") == [later, base]
        assert tx.known_version("fraud-model", "42") == later
        assert tx.known_version("fraud-model", "7") is None
        assert tx.known_versions("none") == []
    better = replace(base, standing=VersionStanding.ENDORSED, by="nina", at=AT + 2 * HOUR)
    with store.write() as tx:
        tx.save(better)
    with store.read() as tx:
        assert tx.known_versions("fraud-model") == [better, later]
    with pytest.raises(Conflict), store.write() as tx:
        tx.add(base)


def test_what_was_live_is_answered_for_any_moment(store: SqlStore) -> None:
    made = [
        live("41", AT, how="baseline"),
        live("42", AT + HOUR, release_id="rel-1"),
        live(None, AT + 2 * HOUR, how="read", data={"why": HOSTILE}),
        live("41", AT + 3 * HOUR, how="rollback", run_id="run-1"),
        live("40", AT + HOUR, environment="staging"),
    ]
    with store.write() as tx:
        tx.add(*made, live("1", AT, service="elsewhere"))

    def at(moment: Any) -> LiveVersion | None:
        with store.read() as tx:
            return next(iter(tx.live_versions("fraud-model", "production", until=moment, limit=1)), None)

    assert at(AT - timedelta(microseconds=1)) is None
    assert at(AT) == made[0]
    assert at(AT + HOUR - timedelta(microseconds=1)) == made[0]
    assert at(AT + HOUR) == made[1]
    assert at(AT + 2.5 * HOUR) == made[2]
    assert at(AT + 9 * HOUR) == made[3]
    with store.read() as tx:
        assert tx.live_versions("fraud-model", "production") == [made[3], made[2], made[1], made[0]]
        assert tx.live_versions("fraud-model", "staging") == [made[4]]
        assert {one.environment for one in tx.live_versions("fraud-model")} == {"production", "staging"}
        assert tx.live_versions("fraud-model", "production", placed=True, limit=2) == [made[3], made[1]]
        assert tx.live_versions("none") == []


def test_of_two_at_the_same_moment_the_one_added_later_counts(store: SqlStore) -> None:
    with store.write() as tx:
        tx.add(live("41", AT), live("42", AT))
    with store.write() as tx:
        tx.add(live("43", AT))
    with store.read() as tx:
        assert [one.version for one in tx.live_versions("fraud-model")] == ["43", "42", "41"]


def test_the_newest_look_at_each_environment_replaces_the_one_before(store: SqlStore) -> None:
    first = LastRead("fraud-model", "production", AT, "41")
    other = LastRead("fraud-model", "staging", AT, problem=HOSTILE, failures=3)
    with store.write() as tx:
        tx.save(first, other, LastRead("elsewhere", "production", AT))
    owed = {"lvr-1": {"version": "44", "expected": ["41", "42"]}}
    later = LastRead("fraud-model", "production", AT + HOUR, "44", "", 0, AT, 7, "44", AT, owed)
    with store.write() as tx:
        tx.save(later)
    with store.read() as tx:
        assert tx.last_read("fraud-model", "production") == later
        assert tx.last_read("fraud-model", "none") is None
        assert tx.last_reads("fraud-model") == [later, other]
        assert [one.service for one in tx.last_reads()] == ["elsewhere", "fraud-model", "fraud-model"]


def test_an_unplanned_dependency_is_recorded_once(store: SqlStore, candidate: Release) -> None:
    def made(what: str) -> UnplannedDependency:
        return UnplannedDependency(new_id("dep"), candidate.id, "features", what, AT, HOSTILE)

    both = [made("features.age"), made("features.income")]
    with store.write() as tx:
        tx.add(*both)
    with pytest.raises(Conflict), store.write() as tx:
        tx.add(made("features.age"))
    with store.read() as tx:
        assert tx.unplanned_dependencies(candidate.id) == both
        assert tx.unplanned_dependencies("rel-none") == []


# Canaries


def test_a_canary_is_opened_once(store: SqlStore, candidate: Release) -> None:
    one = canary(candidate, standing={"pairs": 3, "slices": [{"name": HOSTILE}]}, comparison=b"\x00\xff")
    with store.write() as tx:
        assert tx.open_canary(one)
        assert not tx.open_canary(replace(one, phase="watch"))
    with store.read() as tx:
        assert tx.canary(candidate.id) == one
        assert tx.canary("rel-none") is None


def test_a_fold_saves_the_state_and_marks_its_batches(store: SqlStore, candidate: Release) -> None:
    before, batches = canary(candidate), [batch(candidate, f"k{number}") for number in range(3)]
    with store.write() as tx:
        tx.open_canary(before)
        assert [tx.keep_batch(one) for one in batches] == [True, True, True]
    after = replace(
        before, comparison=b"c", joining=b"j", pairs=7, verdict=CanaryVerdict.DIVERGED, affected=2, folded_at=AT
    )
    with store.write() as tx:
        tx.fold_into(before, after, [one.id for one in batches[:2]])
    with store.read() as tx:
        assert tx.canary(candidate.id) == replace(after, version=1)
        assert tx.unfolded_batches(candidate.id, limit=9) == [batches[2]]


def test_a_fold_that_comes_second_is_refused_and_marks_nothing(store: SqlStore, candidate: Release) -> None:
    before, one = canary(candidate), batch(candidate, "k")
    with store.write() as tx:
        tx.open_canary(before)
        tx.keep_batch(one)
    with store.write() as tx:
        tx.fold_into(before, replace(before, pairs=1), [])
    with pytest.raises(Conflict), store.write() as tx:
        tx.fold_into(before, replace(before, pairs=2, folded_at=AT), [one.id])
    with store.read() as tx:
        found = tx.canary(candidate.id)
        assert found is not None
        assert (found.version, found.pairs) == (1, 1)
        assert tx.unfolded_batches(candidate.id, limit=9) == [one]


def test_of_folds_at_the_same_moment_one_counts(
    store: SqlStore, open_another: Callable[[], SqlStore], candidate: Release
) -> None:
    before, stores, start = canary(candidate), [store, open_another()], Barrier(6)
    with store.write() as tx:
        tx.open_canary(before)
    done, refused = list[int](), list[int]()

    def fold(number: int) -> None:
        start.wait(10)
        try:
            with stores[number % 2].write() as tx:
                tx.fold_into(before, replace(before, pairs=number + 1), [])
            done.append(number + 1)
        except Conflict:
            refused.append(number + 1)

    threads = [Thread(target=fold, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(done), len(refused)) == (1, 5)
    with store.read() as tx:
        found = tx.canary(candidate.id)
    assert found is not None
    assert (found.version, found.pairs) == (1, done[0])


def test_a_batch_that_is_sent_again_counts_once_for_its_release(store: SqlStore, candidate: Release) -> None:
    other = release(service="elsewhere")
    with store.write() as tx:
        tx.add(other)
        assert tx.keep_batch(batch(candidate, HOSTILE))
        assert not tx.keep_batch(batch(candidate, HOSTILE, content=b"other"))
        assert tx.keep_batch(batch(other, HOSTILE))
    with store.read() as tx:
        assert [one.content for one in tx.unfolded_batches(candidate.id, limit=9)] == [b"\x1f\x8b\x00\xff"]


def test_batches_are_folded_in_the_order_in_which_they_came(store: SqlStore, candidate: Release) -> None:
    other, ids = release(service="elsewhere"), ["obs-z", "obs-a", "obs-m"]
    with store.write() as tx:
        tx.add(other)
        for number, name in enumerate(ids):
            tx.keep_batch(batch(candidate, f"k{number}", id=name, received_at=AT - number * HOUR))
        tx.keep_batch(batch(other, "k"))
    with store.read() as tx:
        assert [one.id for one in tx.unfolded_batches(candidate.id, limit=9)] == ids
        assert [one.id for one in tx.unfolded_batches(candidate.id, limit=2)] == ids[:2]
        assert set(tx.unfolded_releases()) == {candidate.id, other.id}
        assert len(tx.unfolded_releases()) == 2


def test_points_come_oldest_first(store: SqlStore, candidate: Release) -> None:
    made = [
        CanaryPoint(candidate.id, AT + HOUR, "canary", 10, None, None, None, CanaryVerdict.UNKNOWN),
        CanaryPoint(candidate.id, AT, "canary", 20, 0.125, 0.0625, 0.25, CanaryVerdict.DIVERGED),
    ]
    with store.write() as tx:
        tx.add(*made)
    with store.read() as tx:
        assert tx.canary_points(candidate.id) == made
        assert tx.canary_points("rel-none") == []


def test_affected_keys_come_in_pages_that_meet(store: SqlStore, candidate: Release) -> None:
    other = release(service="elsewhere")
    made = [AffectedKeys(candidate.id, AT, number, bytes([number])) for number in range(5)]
    with store.write() as tx:
        tx.add(other, made[0], AffectedKeys(other.id, AT, 9, b"o"), *made[1:])
    found, after = list[AffectedKeys](), 0
    with store.read() as tx:
        while page := tx.affected_keys(candidate.id, after=after, limit=2):
            assert len(page) <= 2
            assert [number for number, _ in page] == sorted(number for number, _ in page)
            found += [one for _, one in page]
            after = page[-1][0]
    assert found == made
