"""The steps that change Andon's own record, ask a person, or compare before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from support.scripted_server import Answer, ScriptedServer, scripted_server
from support.step_stage import START, Stage

from bot.domain.outcomes import Ask, Freeze, OutcomeKind, Tell
from bot.domain.records import Approval, ApprovalStatus
from playbooks.steps import load_steps

DONE, FAILED, UNKNOWN, LATER = OutcomeKind.DONE, OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.TRY_LATER
STATE = {"serving": "42", "versions": ["41", "42"]}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def test_a_freeze_is_asked_for_with_its_reason() -> None:
    outcome = Stage("freeze_release", {"reason": "diverged"}).perform()

    assert (outcome.kind, outcome.effects) == (DONE, (Freeze("diverged"),))


def test_a_freeze_without_a_reason_names_run_and_step() -> None:
    outcome = Stage("freeze_release", {}).perform()

    assert outcome.effects == (Freeze("step restore of run run-1"),)


def test_a_notice_is_asked_for_with_audiences_and_text() -> None:
    stage = Stage("post_notice", {"notice": "restoring", "audiences": ["support"], "text": "hold on"})
    outcome = stage.perform()

    assert (outcome.kind, outcome.effects) == (DONE, (Tell("restoring", ("support",), "hold on"),))
    assert stage.step.plan(stage.params) == ["Send notice restoring to support: hold on"]


class TestAskApproval:
    """Waits for a person."""

    STAGE = Stage("ask_approval", {"role": "endorser", "question": "Is it well?"})
    ANSWER = Approval(
        id="a",
        run_id="run-1",
        role="endorser",
        question="Is it well?",
        plan_hash="p",
        asked_at=START,
        expires_at=START,
        status=ApprovalStatus.APPROVED,
        answered_by="lead",
        answered_at=START,
    )

    def test_it_asks_first(self) -> None:
        outcome = replace(self.STAGE).perform()

        assert outcome.kind is OutcomeKind.WAIT
        assert outcome.ask == Ask("endorser", "Is it well?", timedelta(minutes=15), "hold")

    def test_a_yes_is_done_and_names_who_and_when(self) -> None:
        outcome = replace(self.STAGE, approval=self.ANSWER).perform()

        assert (outcome.kind, outcome.output) == (DONE, {"by": "lead", "at": "2026-11-20T12:00:00.000Z"})

    def test_a_no_is_a_failure_that_names_who(self) -> None:
        outcome = replace(self.STAGE, approval=replace(self.ANSWER, status=ApprovalStatus.REJECTED)).perform()

        assert (outcome.kind, outcome.error) == (FAILED, "lead said no")

    @pytest.mark.parametrize("status", [ApprovalStatus.ASKED, ApprovalStatus.EXPIRED])
    def test_no_answer_is_no_yes(self, status: ApprovalStatus) -> None:
        outcome = replace(self.STAGE, approval=replace(self.ANSWER, status=status)).perform()

        assert (outcome.kind, outcome.ask is None) == (OutcomeKind.WAIT, False)

    def test_a_withdrawn_question_is_a_failure(self) -> None:
        outcome = replace(self.STAGE, approval=replace(self.ANSWER, status=ApprovalStatus.WITHDRAWN)).perform()

        assert outcome.kind is FAILED


class TestCheckIncumbent:
    """Compares before anything is touched."""

    @staticmethod
    def stage(server: ScriptedServer, **values: Any) -> Stage:
        given = {
            "url": f"{server.url}/models/fraud",
            "available": "incumbent in body.versions",
            "serving": "body.serving == candidate",
            "already": "body.serving == incumbent",
        }
        return Stage("check_incumbent", {**given, **values})

    def test_available_and_still_serving_the_candidate_is_done(self, server: ScriptedServer) -> None:
        server.will(Answer(200, STATE))
        outcome = self.stage(server).perform()

        assert outcome.kind is DONE
        assert outcome.output == {"already": False, "incumbent": "41", "candidate": "42"}
        assert server.received[0].method == "GET"

    def test_an_incumbent_that_serves_already_is_done_and_says_so(self, server: ScriptedServer) -> None:
        server.will(Answer(200, {**STATE, "serving": "41"}))

        assert self.stage(server).perform().output["already"] is True

    def test_an_incumbent_that_is_gone_fails(self, server: ScriptedServer) -> None:
        server.will(Answer(200, {**STATE, "versions": ["42"]}))
        outcome = self.stage(server).perform()

        assert (outcome.kind, outcome.error) == (FAILED, "the incumbent 41 is not available")

    def test_somebody_else_s_change_is_not_overwritten(self, server: ScriptedServer) -> None:
        server.will(Answer(200, {**STATE, "serving": "43"}))
        outcome = self.stage(server).perform()

        assert outcome.kind is FAILED
        assert "no longer runs the candidate 42: somebody else changed it; not overwritten" in outcome.error

    @pytest.mark.parametrize("body", [{}, {"serving": "42"}, {"versions": ["41"]}, "no json"])
    def test_what_cannot_be_judged_is_unknown(self, server: ScriptedServer, body: Any) -> None:
        server.will(Answer(200, body))

        assert self.stage(server).perform().kind is UNKNOWN

    @pytest.mark.parametrize("answer", [Answer(0), Answer(500, STATE), Answer(429), Answer(503), Answer(408)])
    def test_a_server_in_trouble_says_nothing_of_the_incumbent(self, server: ScriptedServer, answer: Answer) -> None:
        server.will(answer)

        assert self.stage(server, available="status == 200").perform().kind is LATER

    def test_a_missing_page_is_the_condition_s_to_judge(self, server: ScriptedServer) -> None:
        server.will(Answer(404, {}))

        assert self.stage(server, available="status == 200").perform().kind is FAILED

    def test_without_a_release_there_is_nothing_to_go_back_to(self, server: ScriptedServer) -> None:
        stage = self.stage(server)
        stage.facts = {"release": None}

        assert stage.perform().kind is FAILED
        assert server.received == []


@pytest.mark.parametrize(
    ("use", "values"),
    [
        ("freeze_release", {"why": "x"}),
        ("ask_approval", {"role": "endorser"}),
        ("ask_approval", {"role": "endorser", "question": "ok?", "then": "proceed"}),
        ("ask_approval", {"role": "endorser", "question": ""}),
        ("post_notice", {}),
        ("post_notice", {"notice": "../x"}),
        ("check_incumbent", {"url": "http://h/"}),
        ("check_incumbent", {"available": "true"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(use: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load_steps([use])[use].Params.model_validate(values)
