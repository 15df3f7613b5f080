"""Whoever owns a rollback criterion is told, besides the audiences, when what it promises does not happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.alert_bodies import firing
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger
from support.passing_time import LONG_AGO
from support.written_config import Tree, acting, playbook

from bot.domain.runs import RunStatus

ASKS = playbook("asks", acting("ask", tries=1))
UNDOES = playbook("undoes", acting("repeat", tries=1), on_failure="undo")
SLOW = playbook("slow", {"id": "rest", "use": "pause", "with": {"for": "20m"}}, acting("repeat"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("owners")
    with running_ledger(folder) as ledger, builder(folder, ledger) as build:
        yield build(ASKS, UNDOES, SLOW)


@pytest.fixture
def engine(house: DrivenEngine) -> Iterator[DrivenEngine]:
    house.clock.offset = -LONG_AGO
    yield house
    house.ledger.control(fault=None)


def criterion(book: str, owner: str | None) -> Tree:
    made = {"name": "divergence", "when": 'alert.labels.alertname == "Divergence"', "playbook": book, "owner": owner}
    rule = {key: one for key, one in made.items() if one is not None}
    return {"rollback": [rule], "persons": {"nina": ["nina", "U0NINA1"]}}


def told(engine: DrivenEngine, book: str, owner: str | None, name: str, *, fault: bool = True) -> list[str]:
    """Who hears this notice of a rollback by this playbook."""
    service = fresh_name()
    engine.protect(service, **criterion(book, owner))
    if fault:
        engine.ledger.fault("status", status=422, times=-1, path=f"/effects/{service}")
    receipt = engine.alert(firing(service))
    engine.drive(receipt.runs[0])
    return [one.audience for one in engine.notices(receipt.incidents[0], name)]


def test_a_person_is_told_when_the_rollback_needs_a_person(engine: DrivenEngine) -> None:
    assert told(engine, "asks", "nina", "needs_human") == ["engineering", "person:nina"]


def test_every_member_of_a_role_is_told(engine: DrivenEngine) -> None:
    heard = told(engine, "asks", "rollback_authority", "needs_human")
    assert heard == ["engineering", "person:olga", "person:otto"]


def test_without_an_owner_only_the_audiences_are(engine: DrivenEngine) -> None:
    assert told(engine, "asks", None, "needs_human") == ["engineering"]


def test_an_owner_is_told_of_a_missed_deadline(engine: DrivenEngine) -> None:
    assert told(engine, "slow", "nina", "deadline_missed", fault=False) == ["engineering", "person:nina"]


def test_an_owner_is_told_of_a_rollback_that_was_undone(engine: DrivenEngine) -> None:
    service = fresh_name()
    second = {"id": "second", "use": "http_request", "with": {"method": "GET", "url": "{{ target.ledger }}/nothing"}}
    back = {"use": "http_request", "with": {"method": "POST", "url": "{{ target.ledger }}/effects/{{ service }}.back"}}
    book = playbook("takes_back", acting("repeat", undo=back), {**second, "tries": 1}, on_failure="undo")
    engine.protect(service, book, **criterion("takes_back", "nina"))
    receipt = engine.alert(firing(service))
    assert engine.drive(receipt.runs[0]).status is RunStatus.FAILED
    heard = [one.audience for one in engine.notices(receipt.incidents[0], "stopped")]
    assert heard == ["engineering", "person:nina"]


def test_an_owner_hears_nothing_of_a_rollback_that_went_well(engine: DrivenEngine) -> None:
    assert told(engine, "by_key", "nina", "restored", fault=False) == ["engineering"]
