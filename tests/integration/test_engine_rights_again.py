"""Who may is asked once more at the moment of execution: as persons, by groups, under the policy as it is then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.passing_time import asking, fire, member, said

from bot.domain.events import Receipt, Word
from bot.domain.runs import RunStatus


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("rights")
    with running_ledger(folder) as ledger, builder(folder, ledger) as build:
        yield build()


def asked(engine: DrivenEngine, members: list[str], **more: Any) -> Receipt:
    """A run that waits for these people; `with_members` changes them later."""
    service = fresh_name()
    protect(engine, service, members, **more)
    return fire(engine, service)


def protect(engine: DrivenEngine, service: str, members: list[str], **more: Any) -> None:
    parts = asking()
    engine.protect(service, **{**parts, "roles": {"rollback_authority": members, "champion": ["ada"]}, **more})


def service_of(engine: DrivenEngine, receipt: Receipt) -> str:
    return engine.found(receipt.runs[0]).service


def test_one_who_left_the_role_after_approving_stops_the_run_before_anything_is_touched(engine: DrivenEngine) -> None:
    receipt = asked(engine, ["U0LEFT", "otto"])
    assert not said(engine, Word.APPROVE, receipt.runs[0], member("U0LEFT")).refused
    protect(engine, service_of(engine, receipt), ["otto"])
    run = engine.drive(receipt.runs[0])
    assert run.status is RunStatus.NEEDS_HUMAN
    assert "its approval does not hold" in run.error
    assert "U0LEFT is not a member of rollback_authority" in run.error
    assert engine.ledger.calls(run.service) == []
    assert engine.told(receipt.incidents[0])[-1] == "needs_human"
    assert any("its approval does not hold" in line for line in engine.lines(receipt.incidents[0]))


def test_one_who_stays_in_the_role_under_another_id_still_holds_it(engine: DrivenEngine) -> None:
    persons = {"lead": ["U0LEAD", "lead-token"]}
    receipt = asked(engine, ["U0LEAD"], persons=persons)
    assert not said(engine, Word.APPROVE, receipt.runs[0], member("U0LEAD")).refused
    protect(engine, service_of(engine, receipt), ["lead-token"], persons=persons)
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED


def test_the_one_who_asks_is_not_the_one_who_approves_whichever_id_is_used(engine: DrivenEngine) -> None:
    service = fresh_name()
    protect(engine, service, ["olga", "U0OLGA", "otto"], persons={"lead": ["olga", "U0OLGA"]})
    receipt = engine.order(Word.ROLLBACK, service, by="olga")
    refused = said(engine, Word.APPROVE, receipt.runs[0], member("U0OLGA"))
    assert refused.refused
    assert "cannot be the one who approves" in refused.message
    assert not engine.order(Word.APPROVE, receipt.runs[0], by="otto").refused


def test_two_ids_that_turn_out_to_be_one_person_stop_the_run_at_its_execution(engine: DrivenEngine) -> None:
    service = fresh_name()
    protect(engine, service, ["olga", "U0OLGA"])
    receipt = engine.order(Word.ROLLBACK, service, by="olga")
    assert not said(engine, Word.APPROVE, receipt.runs[0], member("U0OLGA")).refused
    protect(engine, service, ["olga", "U0OLGA"], persons={"lead": ["olga", "U0OLGA"]})
    run = engine.drive(receipt.runs[0])
    assert run.status is RunStatus.NEEDS_HUMAN
    assert "cannot be the one who approves" in run.error
    assert engine.ledger.calls(service) == []


def test_a_member_of_a_group_in_the_role_may_approve_and_no_one_else(engine: DrivenEngine) -> None:
    receipt = asked(engine, ["S0ONCALL"])
    assert said(engine, Word.APPROVE, receipt.runs[0], member("U0ANA", "S0OTHER")).refused
    assert said(engine, Word.APPROVE, receipt.runs[0], member("U0ANA")).refused
    assert not said(engine, Word.APPROVE, receipt.runs[0], member("U0ANA", "S0ONCALL")).refused
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED
    with engine.app.store.read() as tx:
        (approval,) = tx.approvals(receipt.runs[0])
    assert (approval.answered_by, approval.answered_as) == ("U0ANA", "S0ONCALL")


def test_a_group_that_left_the_role_stops_the_run(engine: DrivenEngine) -> None:
    receipt = asked(engine, ["S0ONCALL"])
    said(engine, Word.APPROVE, receipt.runs[0], member("U0ANA", "S0ONCALL"))
    protect(engine, service_of(engine, receipt), ["S0LATER"])
    run = engine.drive(receipt.runs[0])
    assert run.status is RunStatus.NEEDS_HUMAN
    assert "is not a member of rollback_authority" in run.error


def test_a_policy_that_is_gone_stops_the_run(engine: DrivenEngine) -> None:
    receipt = asked(engine, ["otto"])
    engine.order(Word.APPROVE, receipt.runs[0], by="otto")
    (engine.config / "policies" / f"{service_of(engine, receipt)}.yaml").unlink()
    engine.app.configuration.reload()
    run = engine.drive(receipt.runs[0])
    assert run.status is RunStatus.NEEDS_HUMAN
    assert engine.ledger.calls(run.service) == []
