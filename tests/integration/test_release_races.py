"""Two at once about one release, and workers killed while they judge: one halt, one promotion, nothing skipped."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from support.attacks import BAD, F1, GOOD, ROLES, SHIFT, STAGES, Attacked, Probe, attacked, installed
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder
from support.installation import TOKENS, environment
from support.ledger import running_ledger

from bot.domain.errors import AndonError
from bot.domain.events import Word
from bot.domain.gates import GateVerdict, Judgement
from bot.domain.releases import ReleaseStatus
from bot.flow.release_audit import verify_releases

PROBED = [{"name": "evaluation", "gates": [{"use": "probe"}]}, {"name": "production", "do": "shift_it"}]
AUTOMATIC = [{**stage, "advance": "automatic"} for stage in STAGES]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("races")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        engine = build(SHIFT)
        installed(engine, Probe())
        yield engine


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Do them in threads of their own; an error of the house is an answer too."""

    def answer(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except AndonError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(answer, call) for call in calls]]


def test_two_judges_and_two_who_ask_make_one_promotion(engine: DrivenEngine) -> None:
    twin = engine.twin()
    one, other = attacked(engine), twin
    release = one.in_production()
    other.app.configuration.reload()
    asks = [lambda: engine.order(Word.PROMOTE, release), lambda: other.order(Word.PROMOTE, release)]
    judges = [lambda: engine.app.judge.judge(release), lambda: other.app.judge.judge(release)]
    at_once(*asks, *judges, *judges)
    engine.work()
    assert len(one.promotions()) == 1
    assert len(engine.ledger.effects(one.service)) == 1
    assert one.seen(release)[0].status is ReleaseStatus.LIVE
    assert one.seen(release)[1].passed == ("evaluation", "production")


def test_two_starts_at_once_leave_one_release_on_its_way(engine: DrivenEngine) -> None:
    one = attacked(engine)
    starts = [lambda n=n: engine.order(Word.RELEASE_START, one.service, candidate=f"v{n}") for n in range(4)]
    at_once(*starts)
    with engine.app.store.read() as tx:
        found = tx.releases(limit=10, service=one.service)
    assert len([release for release in found if release.is_in_flight]) == 1
    assert len(found) == 4
    assert verify_releases(engine.app.store) is None


def test_a_halt_between_the_look_and_its_record_wins_though_it_was_lifted_again(engine: DrivenEngine) -> None:
    for lifts in (False, True):
        one = attacked(engine, stages=[{**PROBED[0], "advance": "automatic"}, PROBED[1]])
        probe = installed(engine, Probe(answer=lambda _: Judgement.unknown("not yet")))
        release = one.start()
        done: list[str] = []

        def meddle(_: Any, one: Attacked = one, lifts: bool = lifts, done: list[str] = done) -> None:
            if not done:
                done.append("halt")
                one.engine.order(Word.HALT, one.service)
                if lifts:
                    one.engine.order(Word.LIFT, one.service, by="ada")

        probe.meddle, probe.answer = meddle, lambda _: Judgement.passed("it is well")
        looked = len(probe.looked)
        judged = engine.app.judge.judge(release)
        if not lifts:
            assert judged.verdict is GateVerdict.FAIL
            assert one.seen(release)[0].status is ReleaseStatus.HALTED
        assert len(probe.looked) - looked == (2 if lifts else 1), "what was measured before the halt does not count"


def test_evidence_that_comes_while_gates_are_looked_at_is_judged_too(engine: DrivenEngine) -> None:
    one = attacked(engine, stages=[{"name": "evaluation", "gates": [F1, {"use": "probe"}]}, {"name": "production"}])
    probe = installed(engine, Probe())
    release = one.start()
    one.push(GOOD, work=False)
    pushed: list[int] = []

    def meddle(_: Any) -> None:
        if not pushed:
            pushed.append(1)
            one.push(BAD, work=False)

    probe.meddle = meddle
    one.promote(release)
    assert one.seen(release)[0].status is ReleaseStatus.HALTED
    assert one.halts() == 1


def test_what_was_wanted_before_a_halt_is_asked_for_again_after_it(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.start()
    one.push(GOOD)
    one.promote(release, work=False)
    engine.order(Word.HALT, one.service)
    engine.order(Word.LIFT, one.service, by="ada")
    engine.work()
    assert one.seen(release)[0].stage == "evaluation"


def test_a_halt_before_the_first_act_of_a_stage_leaves_nothing_done(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.in_production()
    one.promote(release, work=False)
    engine.app.judge.judge(release)
    run = one.promotions()[0]
    at_once(lambda: engine.order(Word.HALT, one.service), lambda: engine.twin().app.runner.advance(run.id))
    engine.work()
    assert engine.found(run.id).status in ("superseded", "succeeded")
    live = one.seen(release)[1].live_at is not None
    assert live == (engine.found(run.id).status == "succeeded"), "either it was done before the halt, or not at all"


def test_a_rollback_has_precedence_over_the_playbook_of_a_stage(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.in_production()
    one.promote(release, work=False)
    engine.app.judge.judge(release)
    promotion = one.promotions()[0]
    asked = engine.order(Word.ROLLBACK, one.service)
    assert asked.runs != (promotion.id,), "a request to go back never joins what goes forward"
    engine.work()
    assert engine.found(promotion.id).status == "superseded"
    assert engine.ledger.effects(one.service) == []


def test_what_is_being_rolled_back_is_not_endorsed(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.in_production()
    one.promote(release)
    one.promote(release)
    assert one.seen(release)[0].status is ReleaseStatus.WATCHED
    asked = engine.order(Word.ROLLBACK, one.service)
    refused = engine.order(Word.RELEASE_ENDORSE, release, by="otto")
    assert refused.refused
    assert "about to be rolled back" in refused.message
    engine.order(Word.REJECT, asked.runs[0], by="otto")
    assert not engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused
    again = engine.order(Word.ROLLBACK, one.service)
    plan = engine.run(again.runs[0])["plan_hash"]
    engine.order(Word.APPROVE, again.runs[0], by="otto", plan_hash=plan)
    engine.work_until(again.runs[0], "succeeded")
    third = one.start("43")
    assert one.seen(third)[0].incumbent == "41", "what serves, not what was endorsed once and taken back"


@pytest.mark.parametrize("ends", ["before", "halted"])
def test_a_policy_that_only_observes_touches_nothing_and_nothing_of_it_is_ever_live(
    engine: DrivenEngine, ends: str
) -> None:
    one = attacked(engine, mode="observe")
    release = one.start()
    one.push(BAD if ends == "halted" else GOOD)
    one.promote(release)
    if ends == "halted":
        assert one.halts() == 0
        assert one.seen(release)[0].stage == "evaluation"
        return
    one.promote(release)
    found, walk = one.seen(release)
    assert (found.status, found.stage, walk.live_at) == (ReleaseStatus.IN_FLIGHT, "production", None)
    assert one.promotions() == []
    assert engine.ledger.effects(one.service) == []
    engine.protect(one.service, stages=STAGES, roles=ROLES, release=None, baseline="41")
    one.promote(release)
    assert one.seen(release)[0].status is ReleaseStatus.IN_FLIGHT, "what was started as a trial stays one"
    assert engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused
    with engine.app.store.read() as tx:
        assert "promotion_stopped" in [n.name for n in tx.notices(limit=1000) if n.service == one.service]
        assert "42" not in [live.version for live in tx.live_versions(one.service)]


def test_a_release_whose_policy_comes_to_observe_only_goes_no_further_and_still_halts(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.in_production()
    engine.protect(one.service, stages=STAGES, roles=ROLES, release=None, baseline="41", mode="observe")
    assert "only observes" in one.promote(release).message
    assert one.promotions() == []
    one.push(BAD)
    assert one.seen(release)[0].status is ReleaseStatus.HALTED


def test_nothing_goes_on_by_itself_while_a_service_is_hands_off(engine: DrivenEngine) -> None:
    one = attacked(engine, stages=AUTOMATIC)
    engine.order(Word.HANDS_OFF, one.service, by="ada", **{"for": "1h"})
    release = one.start()
    one.push(GOOD)
    assert one.seen(release)[0].stage == "evaluation"
    assert not one.promote(release).refused
    assert one.seen(release)[0].stage == "production"


def test_a_release_whose_policy_was_deleted_is_judged_once_and_then_rests(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.start()
    one.push(GOOD, work=False)
    path: Path = engine.config / "policies" / f"{one.service}.yaml"
    path.unlink()
    engine.app.configuration.reload()
    engine.work()
    assert one.seen(release)[1].judge_at is None
    assert engine.app.judge.judge(release).verdict is GateVerdict.UNKNOWN


def test_a_halted_service_answers_fail_also_where_nothing_was_started(engine: DrivenEngine) -> None:
    one = attacked(engine, release={"incumbent": "41", "candidate": "42"})
    engine.order(Word.HALT, one.service)
    assert engine.app.judge.of_service(one.service).verdict is GateVerdict.FAIL


def gate_killed(engine: DrivenEngine, service: str, point: str) -> int:
    """`andon gate SERVICE` in a process of its own that dies at this point."""
    config = Path(mkdtemp(dir=engine.config.parent)) / "config"
    shutil.copytree(engine.config, config)
    for policy in (config / "policies").iterdir():  # others name gates that only this process knows
        if policy.stem != service:
            policy.unlink()
    env = environment(
        ANDON_CONFIG=str(config),
        ANDON_DATA=mkdtemp(dir=engine.config.parent),
        ANDON_DATABASE_URL=engine.settings.database_url.get_secret_value() if engine.settings.database_url else "",
        ANDON_API_TOKENS=TOKENS,
        ANDON_CRASH_AT=point,
    )
    command = [sys.executable, "-m", "bot", "gate", service]
    found = subprocess.run(command, env=env, capture_output=True, timeout=60, check=False)
    print(found.stderr.decode())  # shown where it did not die
    return found.returncode


@pytest.mark.e2e
@pytest.mark.parametrize("point", ["before_verdicts", "after_verdicts", "after_judgement"])
def test_a_judge_killed_at_a_named_point_halts_once_and_promotes_once(engine: DrivenEngine, point: str) -> None:
    bad = attacked(engine)
    release = bad.start()
    bad.push(BAD, work=False)
    assert gate_killed(engine, bad.service, point) == -signal.SIGKILL
    engine.work()
    assert bad.halts() == 1
    assert bad.seen(release)[0].status is ReleaseStatus.HALTED
    good = attacked(engine)
    release = good.in_production()
    good.promote(release, work=False)
    assert gate_killed(engine, good.service, point) == -signal.SIGKILL
    engine.work()
    assert len(good.promotions()) == 1
    assert good.seen(release)[1].passed == ("evaluation", "production")
    assert len(engine.ledger.effects(good.service)) == 1


def test_a_verdict_whose_judge_was_killed_is_not_forgotten_where_the_next_look_would_pass(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.start()
    one.push(BAD, work=False)
    assert gate_killed(engine, one.service, "after_verdicts") == -signal.SIGKILL
    assert one.halts() == 0
    one.push(GOOD)
    assert one.halts() == 1, "a gate that failed halts"
    engine.order(Word.LIFT, one.service, by="ada")
    engine.work()
    assert one.seen(release)[0].status is ReleaseStatus.IN_FLIGHT
    assert one.halts() == 1, "and once it was lifted, not again"
