"""A question without an answer: whom Andon calls, when, by which way, and what ends the calling."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.crowds import at_once
from support.driven_engine import DrivenEngine, fresh_name
from support.pagerduty_server import PagerDutyServer, pagerduty_server
from support.passing_time import MINUTE, asking, fire, levels, member, passing, said, told_to, turn
from support.scripted_server import Answer
from support.written_config import PROOF, acting, playbook

from bot.domain.events import Receipt, Word
from bot.domain.pages import PageState
from bot.domain.records import NoticeStatus
from bot.domain.runs import RunStatus

FIRST = {"after": "5m", "notify": "rollback_authority"}
SECOND = {"after": "10m", "notify": "champion"}
PAGED = {"after": "10m", "notify": "pagerduty"}
THIRD = {"after": "40m", "notify": "champion"}
FIVE, TEN = 5 * MINUTE, 10 * MINUTE

STUCK = playbook("stuck", acting("ask", tries=1), PROOF)


@pytest.fixture(scope="module")
def server() -> Iterator[PagerDutyServer]:
    with pagerduty_server() as server:
        yield server


@pytest.fixture(scope="module")
def house(server: PagerDutyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("escalations"), **server.values) as engine:
        yield engine


@pytest.fixture
def engine(house: DrivenEngine, server: PagerDutyServer) -> Iterator[DrivenEngine]:
    yield house
    server.refuses = None
    house.ledger.control(fault=None)
    for path in (house.config / "policies").glob("service-*.yaml"):
        path.unlink()  # what other tests left waiting calls nobody any more
    house.app.configuration.reload()


def asked(engine: DrivenEngine, *steps: dict[str, str], **more: str) -> Receipt:
    """A run that waits for an approval which nobody gives."""
    service = fresh_name()
    engine.protect(service, **asking(*steps, **more))
    return fire(engine, service)


def called(engine: DrivenEngine, receipt: Receipt) -> list[str]:
    """Who was called so far."""
    return told_to(engine.notices(receipt.incidents[0], "escalated"))


def statuses(engine: DrivenEngine, receipt: Receipt) -> list[str]:
    """The states of the levels, first to last."""
    return [str(one.status) for one in levels(engine, receipt.runs[0])]


def test_each_level_is_called_when_its_time_has_come_and_not_before(engine: DrivenEngine) -> None:
    receipt = asked(engine, FIRST, SECOND)
    turn(engine, FIVE - timedelta(seconds=1))
    assert called(engine, receipt) == []
    turn(engine, timedelta(seconds=1))
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    turn(engine, FIVE)
    assert called(engine, receipt) == ["person:olga", "person:otto", "person:U0CHAMP"]
    notice = engine.notices(receipt.incidents[0], "escalated")[-1]
    assert notice.facts["level"] == 1
    labels = [one["label"] for one in notice.facts["buttons"]]
    assert labels == ["Approve", "Reject", "I look at it", "Take the incident"]
    turn(engine, 10 * TEN, ticks=TEN)
    assert len(called(engine, receipt)) == 3, "nobody is called twice"


def test_an_answer_ends_the_calling(engine: DrivenEngine) -> None:
    receipt = asked(engine, FIRST, SECOND)
    turn(engine, FIVE)
    assert not engine.order(Word.APPROVE, receipt.runs[0]).refused
    turn(engine, TEN)
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    assert statuses(engine, receipt) == ["over", "over"]


def test_whoever_takes_the_incident_answers_the_call_and_nobody_later_is_called(engine: DrivenEngine) -> None:
    receipt = asked(engine, FIRST, SECOND)
    turn(engine, FIVE)
    said(engine, Word.TAKE, receipt.incidents[0], member("U0CHAMP"))
    turn(engine, TEN)
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    assert statuses(engine, receipt) == ["acknowledged", "over"]
    assert levels(engine, receipt.runs[0])[0].acknowledged_by == "U0CHAMP"
    assert any("U0CHAMP looks at it; nobody else is called" in line for line in engine.lines(receipt.incidents[0]))


def test_a_call_is_acknowledged_once_and_the_question_stays(engine: DrivenEngine) -> None:
    receipt = asked(engine, FIRST, SECOND)
    turn(engine, FIVE)
    level = levels(engine, receipt.runs[0])[0]
    assert not said(engine, Word.ACKNOWLEDGE, level.id, member("U0CHAMP")).refused
    again = said(engine, Word.ACKNOWLEDGE, level.id, member("U0OTHER"))
    assert again.refused
    assert "U0CHAMP" in again.message
    turn(engine, TEN)
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    assert engine.found(receipt.runs[0]).status is RunStatus.WAITING


def test_when_an_approval_expires_the_next_level_is_called_at_once_where_the_policy_says_escalate(
    engine: DrivenEngine,
) -> None:
    receipt = asked(engine, {**FIRST, "after": "3h"}, {**SECOND, "after": "4h"}, expires="1s", then_what="escalate")
    turn(engine, timedelta(seconds=1))
    turn(engine, timedelta(seconds=1))
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    assert any("level 1 of its escalation is called" in line for line in engine.lines(receipt.incidents[0]))
    turn(engine, 3 * 60 * MINUTE)
    assert called(engine, receipt) == ["person:olga", "person:otto"]


def test_whoever_took_it_and_did_not_answer_in_time_does_not_keep_the_next_from_being_called(
    engine: DrivenEngine,
) -> None:
    receipt = asked(engine, FIRST, SECOND, THIRD, expires="1s", then_what="escalate")
    said(engine, Word.TAKE, receipt.incidents[0], member("U0BUSY"))
    assert statuses(engine, receipt) == ["over", "over", "over"]
    turn(engine, TEN)
    turn(engine, timedelta(seconds=1))
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    turn(engine, FIVE)
    assert called(engine, receipt)[2:] == ["person:U0CHAMP"]


def test_when_an_approval_expires_nobody_is_called_early_where_the_policy_says_hold(engine: DrivenEngine) -> None:
    receipt = asked(engine, {**FIRST, "after": "3h"}, expires="1s")
    turn(engine, timedelta(seconds=1))
    turn(engine, timedelta(seconds=1))
    assert called(engine, receipt) == []
    assert engine.told(receipt.incidents[0]).count("approval_expired") == 1


def test_a_run_that_needs_a_person_calls_anew_for_each_time_that_it_stops(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, STUCK, playbook="stuck", **{**asking(FIRST), "rollback": None} | stuck_criterion())
    engine.ledger.control(fault={"mode": "status", "status": 400, "times": 2})
    receipt = fire(engine, service)
    engine.drive(receipt.runs[0])
    assert engine.found(receipt.runs[0]).status is RunStatus.NEEDS_HUMAN
    turn(engine, FIVE)
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    labels = [one["label"] for one in engine.notices(receipt.incidents[0], "escalated")[0].facts["buttons"]]
    assert labels[0] == "Retry"
    engine.order(Word.RETRY, receipt.runs[0])
    assert statuses(engine, receipt) == ["over"]
    engine.drive(receipt.runs[0])
    turn(engine, FIVE)
    assert len(called(engine, receipt)) == 4
    assert statuses(engine, receipt) == ["over", "told"]


def stuck_criterion() -> dict[str, object]:
    """A rollback that nobody is asked about, and that stops."""
    when = 'alert.labels.alertname == "Divergence"'
    return {"rollback": [{"name": "divergence", "when": when, "playbook": "stuck", "within": "100d"}]}


def test_several_clocks_call_each_level_once(engine: DrivenEngine) -> None:
    receipt = asked(engine, FIRST, SECOND)
    twins = [engine.twin() for _ in range(4)]
    engine.clock.turn(TEN)
    at_once([twin.app.sweep.wake for twin in twins])
    assert sorted(called(engine, receipt)) == ["person:U0CHAMP", "person:olga", "person:otto"]


def test_a_role_without_members_is_not_waited_for(engine: DrivenEngine) -> None:
    service = fresh_name()
    parts = asking(FIRST, {"after": "3h", "notify": "champion"})
    parts["roles"]["empty"] = []
    parts["escalation"][0] = {"after": "5m", "notify": "empty"}
    engine.protect(service, **parts)
    receipt = fire(engine, service)
    turn(engine, FIVE)
    turn(engine, MINUTE)
    assert called(engine, receipt) == ["engineering", "person:U0CHAMP"]


def test_two_ids_of_one_person_are_called_once(engine: DrivenEngine) -> None:
    service = fresh_name()
    parts = asking(FIRST)
    parts["roles"]["rollback_authority"] = ["olga", "U0OLGA", "otto"]
    engine.protect(service, **parts, persons={"olga": ["olga", "U0OLGA"]})
    receipt = fire(engine, service)
    turn(engine, FIVE)
    assert len(called(engine, receipt)) == 2


def paged(engine: DrivenEngine, receipt: Receipt) -> str:
    """The key of the page that went out, after the moment at which it is due."""
    turn(engine, TEN)
    engine.work()
    return levels(engine, receipt.runs[0])[0].id


def key_of(server: PagerDutyServer, level: str) -> str:
    """The dedup key of the page of a level."""
    (key,) = [key for key in server.pages if key.endswith(level)]
    return key


def look(engine: DrivenEngine, after: timedelta = timedelta(seconds=15)) -> None:
    """Some time later pagers are asked."""
    engine.clock.turn(after)
    engine.app.sweep.look()


def test_an_acknowledgement_at_the_pager_is_read_back_and_ends_the_calling(
    engine: DrivenEngine, server: PagerDutyServer
) -> None:
    receipt = asked(engine, PAGED, THIRD)
    key = key_of(server, paged(engine, receipt))
    event = server.triggered[-1]["payload"]
    assert isinstance(event, dict)
    assert event["custom_details"]["of"] == "rollback_authority"
    look(engine)
    assert statuses(engine, receipt) == ["told", "due"]
    server.acknowledge(key, "Grace Hopper")
    look(engine)
    assert statuses(engine, receipt) == ["acknowledged", "over"]
    assert any("Grace Hopper acknowledged the page by pagerduty" in one for one in engine.lines(receipt.incidents[0]))
    turn(engine, 60 * MINUTE)
    assert called(engine, receipt) == ["pagerduty"]
    assert server.pages[key] == "acknowledged", "who took it there ends it there, or the answer does"
    engine.order(Word.APPROVE, receipt.runs[0])
    look(engine, timedelta(0))
    assert server.pages[key] == "resolved"


def test_a_pager_is_asked_every_15_seconds_for_ten_minutes_and_then_every_minute(
    engine: DrivenEngine, server: PagerDutyServer
) -> None:
    receipt = asked(engine, PAGED)
    paged(engine, receipt)
    server.looks = 0
    for _ in range(20):
        look(engine, timedelta(seconds=30))
    assert server.looks == 20
    for _ in range(20):
        look(engine, timedelta(seconds=30))
    assert server.looks == 30


@pytest.mark.parametrize("word", [Word.APPROVE, Word.REJECT, Word.TAKE_OVER, Word.TAKE])
def test_whatever_answers_the_question_lets_whoever_is_on_duty_rest(
    engine: DrivenEngine, server: PagerDutyServer, word: Word
) -> None:
    receipt = asked(engine, PAGED, THIRD)
    key = key_of(server, paged(engine, receipt))
    subject = receipt.incidents[0] if word is Word.TAKE else receipt.runs[0]
    assert not engine.order(word, subject).refused
    look(engine, timedelta(0))
    assert server.pages[key] == "resolved"
    looks = server.looks
    for _ in range(3):
        look(engine)
    assert server.looks == looks


def test_a_page_that_has_not_gone_out_stays_at_home_once_the_question_is_answered(
    engine: DrivenEngine, server: PagerDutyServer
) -> None:
    receipt = asked(engine, PAGED)
    turn(engine, TEN)
    engine.order(Word.APPROVE, receipt.runs[0])
    before = len(server.triggered)
    look(engine, timedelta(0))
    engine.work()
    assert len(server.triggered) == before
    assert engine.notices(receipt.incidents[0], "escalated")[0].status is NoticeStatus.SUPERSEDED


def test_a_pager_that_is_away_is_tried_again_and_keeps_nothing_waiting(
    engine: DrivenEngine, server: PagerDutyServer
) -> None:
    receipt = asked(engine, PAGED)
    server.refuses = Answer(503, "away")
    turn(engine, TEN)
    engine.app.notices.send(engine.notices(receipt.incidents[0], "escalated")[0].id)
    (notice,) = engine.notices(receipt.incidents[0], "escalated")
    assert notice.status is NoticeStatus.FAILED
    look(engine)
    assert statuses(engine, receipt) == ["told"]
    server.refuses = None
    engine.clock.turn(TEN)
    engine.work()
    look(engine)
    server.acknowledge(key_of(server, levels(engine, receipt.runs[0])[0].id), "Grace Hopper")
    look(engine, MINUTE)
    assert statuses(engine, receipt) == ["acknowledged"]


def test_a_page_that_is_refused_for_good_is_shown_and_the_next_level_is_called_at_once(
    engine: DrivenEngine, server: PagerDutyServer
) -> None:
    receipt = asked(engine, PAGED, THIRD)
    server.refuses = Answer(400, {"status": "invalid event", "message": "Event object is invalid"})
    paged(engine, receipt)
    (notice,) = engine.notices(receipt.incidents[0], "escalated")
    assert notice.status is NoticeStatus.DEAD
    assert "pagerduty:" in notice.tried[0]
    assert "refuses" in notice.error
    look(engine)
    turn(engine, timedelta(seconds=1))
    assert called(engine, receipt) == ["pagerduty", "person:U0CHAMP"]


def test_a_level_can_call_its_role_and_a_pager_at_once(engine: DrivenEngine, server: PagerDutyServer) -> None:
    receipt = asked(engine, {**FIRST, "page": "pagerduty"}, SECOND)
    turn(engine, FIVE)
    engine.work()
    assert sorted(called(engine, receipt)) == ["pagerduty", "person:olga", "person:otto"]
    page = next(one for one in levels(engine, receipt.runs[0]) if one.is_page)
    server.acknowledge(key_of(server, page.id), "Grace Hopper")
    look(engine)
    turn(engine, TEN)
    assert "person:U0CHAMP" not in called(engine, receipt)


def test_a_pager_without_a_key_is_not_waited_for_and_the_engineers_are_told(engine: DrivenEngine) -> None:
    receipt = asked(engine, {"after": "5m", "notify": "opsgenie"}, {"after": "3h", "notify": "champion"})
    turn(engine, FIVE)
    turn(engine, MINUTE)
    assert called(engine, receipt) == ["opsgenie", "person:U0CHAMP"]
    engine.work()
    page = engine.notices(receipt.incidents[0], "escalated")[0]
    assert page.status is NoticeStatus.DEAD
    assert "There is no medium 'opsgenie'" in page.error


def test_a_steps_own_question_calls_people_too(engine: DrivenEngine) -> None:
    service = fresh_name()
    question = {"role": "rollback_authority", "question": "Is 41 still good?", "expires": "60d"}
    ask = playbook("asks", {"id": "sure", "use": "ask_approval", "with": question}, acting("repeat", tries=5))
    criterion = {"name": "divergence", "when": 'alert.labels.alertname == "Divergence"', "playbook": "asks"}
    engine.protect(service, ask, **{**asking(FIRST), "rollback": [criterion]})
    receipt = fire(engine, service)
    engine.drive(receipt.runs[0])
    turn(engine, FIVE)
    assert called(engine, receipt) == ["person:olga", "person:otto"]
    assert engine.notices(receipt.incidents[0], "escalated")[0].facts["question"].startswith("Is 41 still good?")
    engine.order(Word.APPROVE, receipt.runs[0])
    assert statuses(engine, receipt) == ["over"]


def test_a_closed_incident_calls_nobody(engine: DrivenEngine) -> None:
    receipt = asked(engine, FIRST)
    engine.order(Word.CANCEL, receipt.runs[0])
    engine.order(Word.RESOLVE, receipt.incidents[0])
    turn(engine, TEN)
    assert called(engine, receipt) == []


def test_what_a_pager_does_not_know_is_never_an_answer(engine: DrivenEngine, server: PagerDutyServer) -> None:
    receipt = asked(engine, PAGED)
    key = key_of(server, paged(engine, receipt))
    server.pages.pop(key)
    assert engine.app.pagers["pagerduty"].state(key).state is PageState.UNKNOWN
    look(engine)
    assert statuses(engine, receipt) == ["told"]
