"""Many at once: the same alert, the same halt and both together leave one record of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest
from support.alert_bodies import firing
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.engine import ACTORS
from support.ledger import running_ledger
from support.written_config import policy, write_config

from bot.domain.decisions import Verdict
from bot.domain.errors import AndonError, Refused
from bot.domain.events import Disposition, Word
from bot.domain.runs import RunStatus

Made = TypeVar("Made")


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("crowds")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build()


def test_fifty_of_the_same_alert_are_one_incident_and_one_run(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipts = at_once([partial(engine.alert, firing(service))] * 50)
    assert Counter(receipt.disposition for receipt in receipts) == {Disposition.ACCEPTED: 1, Disposition.DUPLICATE: 49}
    assert len({(receipt.incidents, receipt.runs) for receipt in receipts}) == 1
    assert (len(engine.incidents(service)), len(engine.runs(service))) == (1, 1)


def test_fifty_alerts_of_one_service_are_one_incident_and_one_run_that_the_others_join(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipts = at_once([partial(engine.alert, firing(service, fingerprint=f"{service}-{n}")) for n in range(50)])
    verdicts = Counter(verdict for receipt in receipts for verdict in engine.verdicts(receipt))
    assert verdicts == {"run": 1, "join": 49}
    assert (len(engine.incidents(service)), len(engine.runs(service))) == (1, 1)
    assert engine.incident(receipts[0].incidents[0])["alerts"] == 50


def test_alerts_of_two_services_that_cross_each_other_wait_for_nobody(engine: DrivenEngine) -> None:
    one, other = fresh_name(), fresh_name()
    engine.protect(one)
    engine.protect(other)
    pairs = [(firing(one, fingerprint=f"{one}-{n}"), firing(other, fingerprint=f"{other}-{n}")) for n in range(20)]
    calls = [partial(engine.alert, *(pair if number % 2 else pair[::-1])) for number, pair in enumerate(pairs)]
    assert all(receipt.disposition is Disposition.ACCEPTED for receipt in at_once(calls))
    assert [len(engine.runs(service)) for service in (one, other)] == [1, 1]


def test_fifty_halts_are_one_halt(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    names = ["ada", "olga", "otto", "nina", "vera"]
    receipts = at_once([partial(engine.order, Word.HALT, service, by=names[n % 5]) for n in range(50)])
    verdicts = Counter(one.verdict for receipt in receipts for one in engine.decisions(receipt))
    assert verdicts == {Verdict.ORDER: 1, Verdict.JOIN: 49}
    [incident] = engine.incidents(service)
    assert len(engine.notices(incident.id, "halted")) == 1
    first = next(one for receipt in receipts for one in engine.decisions(receipt) if one.verdict is Verdict.ORDER)
    assert engine.service(service)["halted"]["by"] == first.actor


def test_halts_among_alerts_freeze_the_service_and_stop_no_rollback(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    calls: list[Callable[[], Any]] = []
    for number in range(25):
        calls.append(partial(engine.order, Word.HALT, service))
        calls.append(partial(engine.alert, firing(service, fingerprint=f"{service}-{number}")))
    receipts = at_once(calls)
    assert not any(receipt.refused for receipt in receipts)
    assert (len(engine.incidents(service)), len(engine.runs(service))) == (1, 1)
    assert engine.service(service)["state"] == "halted"
    assert engine.drive(engine.runs(service)[0].id).status is RunStatus.SUCCEEDED
    assert len(engine.ledger.effects(service)) == 1


def test_of_many_answers_to_one_question_the_first_counts(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, authority="rollback_authority")
    run_id = engine.alert(firing(service)).runs[0]
    words = [Word.APPROVE, Word.REJECT]
    receipts = at_once([partial(engine.order, words[n % 2], run_id, by=["olga", "otto"][n % 2]) for n in range(20)])
    [first] = [receipt for receipt in receipts if not receipt.refused]
    [decision] = engine.decisions(first)
    run = engine.drive(run_id)
    assert run.status is (RunStatus.SUCCEEDED if decision.actor == "olga" else RunStatus.CANCELLED)
    assert len(engine.ledger.effects(service)) == (1 if decision.actor == "olga" else 0)
    assert engine.run(run_id)["approvals"][0]["answered_by"] == decision.actor


def test_twenty_requests_for_a_rollback_are_one_run(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    receipts = at_once([partial(engine.order, Word.ROLLBACK, service, by=["olga", "otto"][n % 2]) for n in range(20)])
    assert len({receipt.runs for receipt in receipts}) == 1
    assert (len(engine.incidents(service)), len(engine.runs(service))) == (1, 1)


def test_a_dead_letter_is_replayed_once_whoever_asks_at_once(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service)
    raw = b'{"alerts": "all of them", "service": "%s"}' % service.encode()
    dead = engine.deliver(raw)
    assert dead.disposition is Disposition.DEAD_LETTER
    sources = engine.app.sources
    was = sources["alertmanager"]

    class Mended:
        """A source that reads the broken body as what its sender meant."""

        name = "alertmanager"

        def parse(self, raw: bytes, headers: Any) -> Any:
            return sources["generic"].parse(b'{"title": "meant", "service": "%s"}' % service.encode(), headers)

        def delivery_id(self, raw: bytes, headers: Any) -> None:
            return None

    def replay() -> str:
        try:
            return engine.app.intake.replay(dead.event_id, ACTORS["ada"]).event_id
        except Refused:
            return ""

    sources["alertmanager"] = Mended()  # type: ignore[index]
    try:
        made = [event for event in at_once([replay] * 10) if event]
    finally:
        sources["alertmanager"] = was  # type: ignore[index]
    with engine.app.store.read() as tx:
        event = tx.event(dead.event_id)
        assert event is not None
        assert [event.replayed_as] == made
        assert [one.id for one in tx.events(limit=1000) if one.replay_of == dead.event_id] == made
    assert len(engine.incidents(service)) == 1


def test_four_workers_on_thirty_runs_act_once_for_each(engine: DrivenEngine) -> None:
    services = [fresh_name() for _ in range(30)]
    write_config(engine.config, [policy(service, engine.ledger.url, playbook="by_person") for service in services], ())
    engine.app.configuration.reload()
    runs = [engine.alert(firing(service)).runs[0] for service in services]
    workers = [engine, *(engine.twin() for _ in range(3))]

    def work(one: DrivenEngine, backwards: bool) -> None:
        for run_id in reversed(runs) if backwards else runs:
            one.app.runner.advance(run_id)

    at_once([partial(work, one, number % 2 == 1) for number, one in enumerate(workers)])
    for run_id in runs:
        assert engine.drive(run_id).status is RunStatus.SUCCEEDED
    assert [len(engine.ledger.calls(service)) for service in services] == [1] * 30


def test_everything_at_once_never_ends_in_an_error(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, halt={"playbook": "stop_promotion"}, cooldown="0s")
    orders = [(Word.HALT, "olga"), (Word.LIFT, "ada"), (Word.ROLLBACK, "otto"), (Word.HANDS_OFF, "ada")]
    faults: list[str] = []

    def act(number: int) -> None:
        word, by = orders[number % 4]
        try:
            if number % 3 == 0:
                engine.alert(firing(service, fingerprint=f"{service}-{number}"))
            engine.order(word, service, by=by, **({"for": "0s"} if word is Word.HANDS_OFF else {}))
            for run in engine.runs(service):
                engine.app.runner.advance(run.id)
        except AndonError as error:
            faults.append(f"{type(error).__name__}: {error}")

    at_once([partial(act, number) for number in range(16)])
    assert faults == []
    active = [run for run in engine.runs(service) if not run.is_ended]
    assert len(active) <= 1
    assert engine.app.store.seal() is not None
    assert engine.app.store.verify_audit() is None
