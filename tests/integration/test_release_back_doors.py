"""Ways around the gates of a release that somebody with every role, or with the database, might try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.attacks import BAD, F1, GOOD, OTHER, ROLES, SHIFT, STAGES, Probe, attacked, installed
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder
from support.ledger import running_ledger

from bot.domain.events import Word
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.domain.releases import ReleaseStatus
from bot.flow.release_audit import verify_releases

PROBED = [{"name": "evaluation", "gates": [{"use": "probe"}]}, {"name": "production"}]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("doors")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        engine = build(SHIFT, OTHER, secrets={"PASSPHRASE": "open-sesame-42"})
        installed(engine, Probe())
        yield engine


def problem_of(engine: DrivenEngine) -> str:
    fault = verify_releases(engine.app.store)
    return fault.problem if fault else ""


@pytest.mark.parametrize("edit", ["DELETE FROM kept_files WHERE sha256 = :sha", "altered"])
def test_evidence_whose_content_was_altered_or_deleted_passes_nothing(engine: DrivenEngine, edit: str) -> None:
    one = attacked(engine)
    release = one.start()
    one.push({**BAD, "run": one.service}, work=False)
    with engine.app.store.read() as tx:
        sha = tx.evidence_of(release)[0].sha256
        good = {"metrics": {"f1": 0.99}, "run": one.service}
    if edit == "altered":
        content = str(good).replace("'", '"').encode()
        one.sql("UPDATE kept_files SET content = :content WHERE sha256 = :sha", content=content, sha=sha)
    else:
        one.push(GOOD, work=False)
        with engine.app.store.read() as tx:
            sha = tx.evidence_of(release)[0].sha256
        one.sql("UPDATE kept_files SET sha256 = :other WHERE sha256 = :sha", other="0" * 64, sha=sha)
    try:
        judged = engine.app.judge.judge(release)
        assert judged.verdict is GateVerdict.UNKNOWN, "neither what was put in, nor an older piece, takes its place"
        assert "lost" in judged.why or "came in" in judged.why
        assert "evidence" in problem_of(engine)
    finally:
        if edit == "altered":
            content = str({**BAD, "run": one.service}).replace("'", '"').encode()
            one.sql("UPDATE kept_files SET content = :content WHERE sha256 = :sha", content=content, sha=sha)
        else:
            one.sql("UPDATE kept_files SET sha256 = :sha WHERE sha256 = :other", other="0" * 64, sha=sha)
    assert not problem_of(engine)


def test_an_altered_pin_or_manifest_stops_a_release_and_its_run_still_ends(engine: DrivenEngine) -> None:
    for column in ("pin", "manifest_digest"):
        one = attacked(engine)
        release = one.start(manifest={"objective": one.service})
        one.push(GOOD)
        one.promote(release)
        one.promote(release, work=False)
        engine.app.judge.judge(release)
        run = one.promotions()[0]
        digest = getattr(one.seen(release)[1], column)
        with engine.app.store.read() as tx:
            kept = tx.kept_file(digest)
        assert kept is not None
        one.sql("UPDATE kept_files SET content = :content WHERE sha256 = :sha", content=b"{}", sha=digest)
        try:
            engine.work_until(run.id, "succeeded")
            found, walk = one.seen(release)
            assert found.stage == "production", "a release whose record was altered never goes on"
            assert walk.run_id is None
            assert engine.app.judge.judge(release).verdict is GateVerdict.UNKNOWN
            assert "altered" in problem_of(engine)
        finally:
            one.sql("UPDATE kept_files SET content = :content WHERE sha256 = :sha", content=kept.content, sha=digest)


EDITS = {
    "UPDATE releases SET incumbent = 'evil' WHERE id = :id": "started as",
    "UPDATE releases SET candidate = 'evil' WHERE id = :id": "started as",
    "UPDATE walks SET second_person = 'vera' WHERE release_id = :id": "second person",
    "UPDATE walks SET manifest_digest = 'none' WHERE release_id = :id": "manifest",
    "DELETE FROM evidence WHERE release_id = :id AND source = 'push'": "deleted",
    "UPDATE evidence SET sha256 = 'none' WHERE release_id = :id AND source = 'push'": "altered",
    "UPDATE signatures SET withdrawn_at = NULL WHERE release_id = :id": "signed item:runbook",
}


@pytest.mark.parametrize("statement", EDITS)
def test_an_edit_of_a_release_shows_in_the_audit(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, statement: str
) -> None:
    folder = tmp_path_factory.mktemp("edits")
    with running_ledger(folder) as ledger, builder(folder, ledger, "sqlite") as build:
        one = attacked(build(SHIFT))
        release = one.start()
        one.push(GOOD)
        one.engine.order(Word.SIGN, release, item="runbook")
        one.engine.order(Word.UNSIGN, release, item="runbook")
        assert verify_releases(one.engine.app.store) is None
        one.sql(statement, id=release)
        assert EDITS[statement] in problem_of(one.engine)


def test_a_release_that_was_rolled_back_or_abandoned_cannot_be_brought_back_unseen(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.start()
    engine.order(Word.ABANDON, release)
    one.sql("UPDATE releases SET status = 'in_flight' WHERE id = :id", id=release)
    assert "abandoned" in problem_of(engine)
    one.sql("UPDATE releases SET status = 'abandoned' WHERE id = :id", id=release)
    assert not problem_of(engine)


def test_a_release_that_was_abandoned_while_it_was_halted_shows_as_no_edit(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.start()
    engine.order(Word.HALT, one.service)
    engine.order(Word.ABANDON, release)
    assert one.seen(release)[0].status is ReleaseStatus.ABANDONED
    assert not problem_of(engine)


def test_an_edited_pair_of_versions_neither_ends_a_release_nor_names_what_is_restored(engine: DrivenEngine) -> None:
    one = attacked(engine)
    release = one.in_production()
    edited = {"stages": STAGES, "roles": ROLES, "baseline": "evil", "release": {"incumbent": "evil", "candidate": "42"}}
    engine.protect(one.service, **edited)
    asked = engine.order(Word.ROLLBACK, one.service)
    run = engine.run(asked.runs[0])
    engine.order(Word.APPROVE, run["id"], by="otto", plan_hash=run["plan_hash"])
    engine.work_until(run["id"], "succeeded")
    assert [effect["body"]["to"] for effect in engine.ledger.effects(one.service)] == ["41"]
    assert one.seen(release)[0].status is ReleaseStatus.ROLLED_BACK
    with engine.app.store.read() as tx:
        assert [known.version for known in tx.known_versions(one.service)] == ["41"]


def test_a_pair_that_the_policy_names_later_is_started_once_the_release_before_is_done(engine: DrivenEngine) -> None:
    one = attacked(engine)
    first = one.start()
    named = {"stages": STAGES, "roles": ROLES, "release": {"incumbent": "41", "candidate": "43"}}
    engine.protect(one.service, **named)
    assert engine.app.judge.of_service(one.service).release_id == first, "what is on its way goes on"
    engine.order(Word.ABANDON, first)
    second = engine.app.judge.of_service(one.service).release_id
    assert second not in (None, first)
    assert second is not None
    assert one.seen(second)[0].candidate == "43"
    assert engine.app.judge.of_service(one.service).release_id == second


@pytest.mark.parametrize("name", ["shift_it", "other_shift"])
def test_a_playbook_by_which_a_stage_acts_is_run_by_no_person(engine: DrivenEngine, name: str) -> None:
    one = attacked(engine, stages=[{"name": "production", "gates": [F1], "do": name}])
    one.start()
    refused = engine.order(Word.ROLLBACK, one.service, by="ada", playbook=name)
    assert refused.refused
    assert "passed stage" in refused.message


def test_a_stage_whose_playbook_is_of_another_kind_goes_on_and_is_stopped_by_a_halt(engine: DrivenEngine) -> None:
    one = attacked(engine, stages=[{"name": "production", "gates": [F1], "do": "other_shift"}, {"name": "watch"}])
    release = one.start()
    one.push(GOOD)
    one.promote(release, work=False)
    engine.app.judge.judge(release)
    engine.order(Word.HALT, one.service)
    engine.work()
    assert engine.ledger.effects(one.service) == []
    engine.order(Word.LIFT, one.service, by="ada")
    one.promote(release)
    assert one.seen(release)[0].status is ReleaseStatus.LIVE


def test_persons_that_an_edited_policy_parts_are_still_one_person(engine: DrivenEngine) -> None:
    one_person = {"persons": {"o": ["olga", "otto"]}, "roles": {**ROLES, "endorser": ["olga", "otto"]}}
    one = attacked(engine, emergency={"gates": [F1], "do": "shift_it"}, **one_person)
    release = one.start(kind="emergency", author="nina")
    parted = {"stages": STAGES, "roles": ROLES, "baseline": "41", "emergency": {"gates": [F1], "do": "shift_it"}}
    engine.protect(one.service, **parted, release=None)
    assert engine.order(Word.SECOND, release, by="otto").refused, "otto and olga are one person"
    two = attacked(engine, stages=[{"name": "production", "gates": [F1]}], **one_person)
    release = two.start(author="olga")
    two.push(GOOD)
    two.promote(release)
    assert two.seen(release)[0].status is ReleaseStatus.LIVE
    engine.protect(two.service, **parted, release=None)
    assert engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused, "the author under another id"
    assert not engine.order(Word.RELEASE_ENDORSE, release, by="nina").refused


def test_a_signature_counts_while_its_role_is_held(engine: DrivenEngine) -> None:
    ready = {"use": "checklist", "items": [{"name": "runbook", "role": "champion"}]}
    stages = [{"name": "evaluation", "gates": [ready]}, {"name": "production"}]
    one = attacked(engine, stages=stages)
    release = one.start()
    engine.order(Word.SIGN, release, item="runbook")
    assert engine.app.judge.judge(release).verdict is GateVerdict.PASS
    engine.protect(one.service, stages=stages, roles={**ROLES, "champion": ["nina"]}, baseline="41", release=None)
    assert engine.app.judge.judge(release).verdict is GateVerdict.UNKNOWN, "she holds it no more"
    engine.order(Word.SIGN, release, by="nina", item="runbook", role="champion")
    assert engine.app.judge.judge(release).verdict is GateVerdict.UNKNOWN, "and this one did not hold it at the start"


UNSOUND: dict[str, Any] = {
    "nothing": None,
    "a word": "pass",
    "a verdict of its own": Judgement("ok", "fine"),  # type: ignore[arg-type]
    "the word of a verdict": Judgement("pass", "fine"),  # type: ignore[arg-type]
    "a figure that is none": Judgement.passed("fine", Figure("f1", float("nan"))),
    "an endless interval": Judgement.passed("fine", Figure("f1", 0.9, low=float("-inf"))),
    "details that are no JSON": Judgement.passed("fine", thing=object()),
    "details that are no number": Judgement.passed("fine", thing=float("nan")),
}


@pytest.mark.parametrize("found", UNSOUND)
def test_a_gate_that_gives_what_is_no_judgement_is_unknown_and_never_a_pass(engine: DrivenEngine, found: str) -> None:
    installed(engine, Probe(answer=lambda _: UNSOUND[found]))
    stages = [{"name": "evaluation", "gates": [F1, {"use": "probe"}]}, {"name": "production"}]
    one = attacked(engine, stages=stages)
    release = one.start()
    one.push(GOOD)
    one.promote(release)
    assert engine.app.judge.judge(release).verdict is GateVerdict.UNKNOWN
    assert one.seen(release)[0].stage == "evaluation"


def test_a_gate_that_changes_what_it_is_given_changes_nothing_for_others(engine: DrivenEngine) -> None:
    def meddle(ctx: Any) -> None:
        ctx.release["candidate"] = "another"
        ctx.manifest["objective"] = "another"

    def answer(measured: Any) -> Judgement:
        measured.facts["looked"] = "at nothing"
        return Judgement.passed("fine")

    probe = installed(engine, Probe(meddle, answer))
    one = attacked(engine, stages=[{"name": "evaluation", "gates": [{"use": "probe"}, {"use": "probe"}]}])
    release = one.start(manifest={"objective": "ours"})
    engine.app.judge.judge(release)
    seen = [ctx for ctx in probe.looked if ctx.release["id"] == release]
    assert len(seen) >= 2
    with engine.app.store.read() as tx:
        kept = tx.kept_file(tx.evidence_of(release)[0].sha256)
    assert kept is not None
    assert b"at nothing" not in kept.content


def test_no_secret_gets_into_a_verdict(engine: DrivenEngine) -> None:
    secret = "open-sesame-42"
    figure = Figure(f"f1 of {secret}", 0.9, secret, subject=secret, unit=secret)
    judgement = Judgement(GateVerdict.FAIL, f"it said {secret}", (figure,), {secret: [{"deep": secret}]})
    installed(engine, Probe(answer=lambda _: judgement))
    one = attacked(engine, stages=PROBED)
    release = one.start()
    with engine.app.store.read() as tx:
        assert secret not in repr(tx.gate_results(release))
        assert secret not in repr(tx.incidents(limit=1, service=one.service))
        assert "***" in tx.gate_results(release)[0].why


def test_huge_details_are_left_out_and_the_record_says_so(engine: DrivenEngine) -> None:
    installed(engine, Probe(answer=lambda _: Judgement.passed("fine", all="x" * 5_000_000)))
    one = attacked(engine, stages=PROBED)
    release = one.start()
    with engine.app.store.read() as tx:
        assert "left_out" in tx.gate_results(release)[0].details
