"""Observations in, verdict out: halves, duplicates, hostile lines, phases and crashes, on both databases."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from support.canaries import QUIET, RULE, canary, compared, ndjson, offer, send, told, whole
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger

from bot.domain.canaries import CanaryVerdict, Phase
from bot.domain.configuration import Configuration
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.releases import ReleaseStatus
from bot.flow.folding import Folder
from bot.flow.observing import look_at


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("folding")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build()


@pytest.fixture
def service(engine: DrivenEngine) -> str:
    name = fresh_name("folded")
    engine.protect(name, rollback=[], canary=QUIET)
    return name


class Died(Exception):
    """The process was killed here."""


def dying(engine: DrivenEngine, point: str) -> Folder:
    """A folder whose process dies the first time that it passes this point."""

    def crash(passed: str) -> None:
        if passed == point:
            raise Died(point)

    return folding(engine, crash=crash)


def folding(
    engine: DrivenEngine,
    *,
    crash: Callable[[str], None] = lambda _: None,
    configuration: Callable[[], Configuration] | None = None,
) -> Folder:
    """A folder of this engine, made differently."""
    app = engine.app
    return Folder(
        store=app.store,
        queue=app.queue,
        clock=app.clock,
        ids=app.ids,
        current=configuration or (lambda: app.configuration.current),
        accept=app.intake.accept,
        crash=crash,
        log=app.log,
    )


def test_halves_of_a_pair_are_joined_across_batches(engine: DrivenEngine, service: str) -> None:
    pairs = list(whole(300, 20))
    incumbents = [{"key": one["key"], "incumbent": one["incumbent"]} for one in pairs]
    candidates = [{"key": one["key"], "candidate": one["candidate"]} for one in reversed(pairs)]
    first = compared(engine, service, incumbents)
    assert (first.pairs, first.standing["waiting"]) == (0, 300)
    after = compared(engine, first.release_id, candidates)
    assert (after.pairs, after.affected, after.standing["waiting"]) == (300, 15, 0)


def test_a_batch_that_is_sent_twice_counts_once(engine: DrivenEngine, service: str) -> None:
    lines = list(whole(50))
    first, again = send(engine, service, lines, key="a"), send(engine, service, lines, key="a")
    assert (again.batch, again.duplicate, first.duplicate) == (first.batch, True, False)
    assert send(engine, service, lines).duplicate is False
    engine.app.folder.fold(first.release)
    after = canary(engine, first.release)
    assert (after.pairs, after.standing["counts"]["duplicates"]) == (50, 50)


def test_a_key_of_another_batch_is_refused(engine: DrivenEngine, service: str) -> None:
    send(engine, service, whole(5), key="mine")
    answer = offer(engine, service, whole(6), key="mine")
    assert isinstance(answer, Refused)
    assert "another" in str(answer)


def test_hostile_lines_are_set_aside_with_their_reasons_and_never_count(engine: DrivenEngine, service: str) -> None:
    bad = [
        b'{"key": "n1", "incumbent": NaN, "candidate": "fine"}',
        b'{"key": "n2", "incumbent": 1e999, "candidate": 2}',
        b'{"key": "n3", "key": "n4", "incumbent": "a", "candidate": "b"}',
        b"\xff\xfe",
        {"incumbent": "a", "candidate": "b"},
        {"key": "n5", "incumbent": {"deep": 1}, "candidate": "b"},
        {"key": "n6", "incumbent": "a", "candidate": 7},
    ]
    after = compared(engine, service, [*whole(40), *bad])
    assert after.pairs == 40
    assert after.affected == 0
    assert sum(one["count"] for one in after.standing["refused_lines"].values()) == 6
    assert sum(after.standing["refused"].values()) == 1  # a word against a number: read, but not comparable
    assert after.verdict is CanaryVerdict.UNKNOWN


def test_a_batch_that_cannot_be_read_is_set_aside_and_blocks_nothing(engine: DrivenEngine, service: str) -> None:
    poison = b'{"key": "x"' + b" " * 10 + b"}\n" + b"not json\n" * 3
    taken = engine.app.observing.take([look_at(service, poison)])[0]
    assert not isinstance(taken, Exception)
    broken = engine.app.observing.take([look_at(service, b"\x1f\x8b" + ndjson([]) + _half_a_gzip())])[0]
    assert not isinstance(broken, Exception)
    after = compared(engine, service, whole(30))
    assert after.pairs == 30
    assert after.standing["set_aside"]["batches"] == 1
    assert after.standing["set_aside"]["newest"][0]["batch"] == broken.batch
    assert after.standing["refused_lines"]["not JSON"]["count"] == 3
    with engine.app.store.read() as tx:
        assert after.release_id not in tx.unfolded_releases()


def _half_a_gzip() -> bytes:
    import gzip

    return gzip.compress(ndjson(whole(200_00)))[2:-200]


def test_a_half_that_never_comes_is_missing_once_its_grace_is_over_and_late_after(engine: DrivenEngine) -> None:
    name = fresh_name("waited")
    engine.protect(name, rollback=[], canary={**QUIET, "grace": "5m"})
    first = compared(engine, name, [{"key": "lost", "incumbent": "a"}, *whole(10)])
    assert (first.pairs, first.standing["waiting"]) == (0, 11)  # whole ones wait behind it, so that order tells nothing
    engine.clock.turn(timedelta(minutes=6))
    engine.app.folder.fold(first.release_id)
    after = canary(engine, first.release_id)
    assert (after.pairs, after.standing["waiting"], after.standing["missing"]) == (10, 0, 1)
    late = compared(engine, first.release_id, [{"key": "lost", "candidate": "b"}])
    assert (late.pairs, late.standing["counts"]["late_candidate"], late.affected) == (10, 1, 0)


def test_a_canary_with_halves_that_wait_is_due_by_time_alone(engine: DrivenEngine, service: str) -> None:
    held = compared(engine, service, [{"key": "lost", "incumbent": "a"}])
    with engine.app.store.read() as tx:
        assert held.release_id not in tx.canaries_to_fold()
    engine.clock.turn(timedelta(days=-1))  # what was folded a day ago, by the database's clock, may have expired
    send(engine, service, [{"key": "lost too", "incumbent": "a"}])
    engine.app.folder.fold(held.release_id)
    engine.clock.turn(timedelta(days=1))
    with engine.app.store.read() as tx:
        assert held.release_id in tx.canaries_to_fold()


def test_a_good_candidate_becomes_equivalent_and_nothing_happens(engine: DrivenEngine, service: str) -> None:
    after = compared(engine, service, whole(3000, 400))
    assert after.verdict is CanaryVerdict.EQUIVALENT
    assert engine.incidents(service) == []
    assert 2 <= len(_points(engine, after.release_id)) <= 12


def test_a_break_after_a_good_start_is_seen_soon(engine: DrivenEngine, service: str) -> None:
    rng = random.Random(7)

    def lines(count: int, share: float, start: int) -> Iterator[dict[str, object]]:
        for number in range(start, start + count):
            differs = rng.random() < share
            yield {"key": f"k{number}", "incumbent": "fine", "candidate": "fraud" if differs else "fine"}

    good = compared(engine, service, lines(5000, 0.005, 0))
    assert good.verdict is CanaryVerdict.EQUIVALENT
    for step in range(1, 21):
        after = compared(engine, good.release_id, lines(100, 0.10, 5000 + step * 100))
        if after.verdict is CanaryVerdict.DIVERGED:
            break
    assert after.verdict is CanaryVerdict.DIVERGED
    assert after.pairs - 5000 <= 700


def test_each_phase_begins_the_test_for_a_divergence_anew(engine: DrivenEngine, service: str) -> None:
    good = compared(engine, service, whole(2000, 400))
    assert good.phase == Phase.CANARY
    with engine.app.store.write() as tx:
        release = tx.release(good.release_id)
        assert release is not None
        tx.save(release.at(ReleaseStatus.LIVE, None, engine.clock.now()))
    live = compared(engine, good.release_id, whole(300, 8, start=5000))
    assert (live.phase, live.verdict, live.told) == ("live", CanaryVerdict.DIVERGED, "live:diverged")
    assert [(one["name"], one["pairs"]) for one in live.standing["phases"]] == [("canary", 2000), ("live", 300)]
    assert live.standing["phases"][0]["diverged_at"] is None
    (incident,) = engine.incidents(service)
    assert engine.service(service)["state"] == "halted"
    assert incident.severity == "SEV-1"  # live, so the label says critical, and this policy makes that SEV-1


def test_two_folders_at_once_lose_no_pair_and_count_none_twice(engine: DrivenEngine, service: str) -> None:
    release = send(engine, service, whole(100)).release
    twins = [engine.app.folder, engine.twin().app.folder]
    faults: list[BaseException] = []

    def fold(folder: Folder) -> None:
        try:
            folder.fold(release)
        except BaseException as fault:
            faults.append(fault)

    for part in range(1, 9):
        send(engine, release, whole(100, start=part * 100))
        threads = [threading.Thread(target=fold, args=(folder,)) for folder in twins]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
    assert faults == []
    after = canary(engine, release)
    assert (after.pairs, after.standing["counts"]["duplicates"]) == (900, 0)


def test_a_canary_that_another_folder_opens_first_counts_no_batch_twice(engine: DrivenEngine, service: str) -> None:
    release = send(engine, service, whole(100)).release
    send(engine, release, whole(100, start=100))

    def outrun() -> Configuration:
        """Between the look at what there is and the opening of the canary, all of it is folded elsewhere."""
        engine.app.folder.fold(release)
        return engine.app.configuration.current

    folding(engine, configuration=outrun).fold(release)
    after = canary(engine, release)
    assert (after.pairs, after.standing["counts"]["duplicates"]) == (200, 0)


@pytest.mark.parametrize("point", ["before_fold_commit", "after_fold_commit", "after_canary_event"])
def test_a_fold_that_dies_anywhere_neither_loses_the_word_nor_says_it_twice(engine: DrivenEngine, point: str) -> None:
    name = fresh_name("dies")
    engine.protect(name, rollback=[], canary=RULE)
    before = len(told(engine))
    release = send(engine, name, whole(400, 5)).release
    with pytest.raises(Died):
        dying(engine, point).fold(release)
    with engine.app.store.read() as tx:
        assert release in tx.canaries_to_fold()
    engine.work()
    after = canary(engine, release)
    assert (after.pairs, after.told) == (400, "canary:diverged")
    said = told(engine)[before:]
    assert said in (["accepted"], ["accepted", "duplicate"])
    assert [one.criterion for one in engine.runs(name)] == ["canary divergence"]
    with engine.app.store.read() as tx:
        assert release not in tx.canaries_to_fold()


def test_what_comes_after_the_end_is_kept_aside_and_counts_for_nothing(engine: DrivenEngine) -> None:
    name = fresh_name("over")
    engine.protect(name, rollback=[], canary=RULE)
    release = send(engine, name, whole(400, 5)).release
    engine.work()
    assert canary(engine, release).verdict is CanaryVerdict.DIVERGED
    (run,) = engine.runs(name)
    engine.work_until(run.id, "succeeded")
    answer = offer(engine, release, whole(500, 2, start=9000))
    assert isinstance(answer, Refused)
    assert "kept aside" in str(answer)
    engine.work()
    after = canary(engine, release)
    assert (after.pairs, after.standing["after_end"]) == (400, 1)
    assert after.closed_at is not None
    assert len(engine.runs(name)) == 1


def test_an_unknown_release_is_not_found_and_nothing_is_kept(engine: DrivenEngine) -> None:
    answer = offer(engine, "rel-" + "0" * 26, whole(5))
    assert isinstance(answer, NotFound)
    assert "nothing of the batch was kept" in str(answer)


def test_a_service_without_a_canary_takes_no_observations(engine: DrivenEngine) -> None:
    name = fresh_name("plain")
    engine.protect(name)
    answer = offer(engine, name, whole(5))
    assert isinstance(answer, Refused)
    assert "no `canary:`" in str(answer)


def test_a_version_compared_with_itself_is_never_equivalent(engine: DrivenEngine) -> None:
    name = fresh_name("itself")
    engine.protect(name, rollback=[], canary=QUIET, release={"incumbent": "42", "candidate": "42"})
    after = compared(engine, name, whole(3000))
    assert after.verdict is CanaryVerdict.UNKNOWN
    assert "compared with itself" in after.standing["why"]
    assert "same-version" in after.standing["flags"]


def test_the_rule_of_a_canary_is_pinned_when_it_opens(engine: DrivenEngine, service: str) -> None:
    opened = compared(engine, service, whole(100, 8))
    engine.protect(service, rollback=[], canary={**QUIET, "tolerance": 0.9})
    after = compared(engine, opened.release_id, whole(300, 8, start=100))
    assert after.standing["rule"]["tolerance"] == 0.02
    assert after.verdict is CanaryVerdict.DIVERGED


def test_affected_predictions_are_kept_with_both_answers(engine: DrivenEngine, service: str) -> None:
    from bot.flow.canary_views import affected_lines

    after = compared(engine, service, whole(100, 10, slice="country=DE"))
    lines = b"".join(affected_lines(engine.app.store, after.release_id)).splitlines()
    assert len(lines) == after.affected == 10
    assert lines[0] == (
        b'{"key":"k9","incumbent":"fine","candidate":"fraud","divergence":1.0,"phase":"canary","slice":"country=DE"}'
    )


def test_a_body_that_is_no_batch_is_refused_at_the_door() -> None:
    for content, encoding in ((b"", ""), (b"[]\n", ""), (b"key,incumbent\n", ""), (b"{}", "br"), (b"{}", "gzip")):
        with pytest.raises(BadInput):
            look_at("any", content, encoding=encoding)
    with pytest.raises(BadInput, match="too large"):
        look_at("any", b"{}\n" * 2_000_000)


def _points(engine: DrivenEngine, release: str) -> list[int]:
    with engine.app.store.read() as tx:
        return [one.pairs for one in tx.canary_points(release)]
