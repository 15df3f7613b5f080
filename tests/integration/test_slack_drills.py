"""Drills in Slack: the word that starts one, and the buttons of a reminder with their forms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.slack_world import FRAUD, SlackWorld, slack_world

from bot.domain.drill_schedules import schedule_of
from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.policies import DrillRule
from bot.domain.times import format_time

RULE = {"playbook": "rollback_model", "environment": "staging", "cron": "0 3 1 * *", "remind": ["1h"]}
SERVICE = {**FRAUD, "drills": [RULE, {"playbook": "rollback_model", "environment": "staging", "name": "slow"}]}


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorld]:
    with slack_world(tmp_path_factory.mktemp("drills"), SERVICE) as world:
        yield world


def planned(world: SlackWorld) -> Drill:
    """A drill of tomorrow."""
    slot = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    rule = DrillRule.model_validate(RULE)
    drill = Drill(
        id=world.head.ids.new("drl"), claim="c", service="fraud-model", environment="staging",
        playbook="rollback_model", schedule=schedule_of("fraud-model", rule), slot=slot, due_at=slot, wake_at=slot,
        objective_seconds=300.0, rule=rule.as_json(),
    )  # fmt: skip
    with world.head.store.write() as tx:
        tx.add(drill)
    return drill


def drills(world: SlackWorld) -> list[Drill]:
    with world.head.store.read() as tx:
        return list(tx.drills(limit=100))


def test_the_word_starts_a_drill_for_who_answers_for_the_service(world: SlackWorld) -> None:
    assert "that is for members of rollback_authority or champion" in world.said("U0SUE", "drill fraud-model staging")
    assert drills(world) == []
    said = world.said("U0MIA", "drill fraud-model staging")
    (drill,) = drills(world)
    assert "rollback_model is rehearsed for fraud-model in staging now" in said
    assert f"/drills/{drill.id}" in said
    assert (drill.requested_by, drill.state) == ("U0MIA", DrillState.PLANNED)
    assert "this request joins it" in world.said("U0RAJ", "drill fraud-model")
    assert len(drills(world)) == 1


def test_the_word_never_means_production_and_no_surprise_without_a_game_day(world: SlackWorld) -> None:
    assert "is production, and a drill never touches it" in world.said("U0MIA", "drill fraud-model production")
    assert "has no game days" in world.said("U0MIA", "drill fraud-model surprise")
    assert "neither an environment nor" in world.said("U0MIA", "drill fraud-model mars")
    assert drills(world) == []


def press(world: SlackWorld, word: str, value: str, user: str = "U0MIA") -> Any:
    posted, _ = world.slack.say("a reminder with buttons")
    return world.slack.forged_click(posted, {"action_id": word, "value": value}, user=user)


def form(world: SlackWorld, callback: str) -> Any:
    return world.soon(
        lambda: [one for one in world.slack.views if one.body["callback_id"] == callback and one.is_open]
    )[-1]


def test_a_reminder_can_be_answered_by_skipping_with_a_reason(world: SlackWorld) -> None:
    drill = planned(world)
    press(world, "skip_drill", f"drill={drill.id}")
    view = form(world, "skip_drill")
    assert "planned for" in str(view.body["blocks"])
    world.slack.submit_view(view, {"reason": "staging is rebuilt"})
    assert not view.is_open
    (skipped,) = drills(world)
    assert (skipped.state, skipped.actor, skipped.why) == (DrillState.SKIPPED, "U0MIA", "staging is rebuilt")


def test_skipping_without_the_role_keeps_the_form_open_and_the_drill_planned(world: SlackWorld) -> None:
    drill = planned(world)
    press(world, "skip_drill", f"drill={drill.id}", user="U0SUE")
    view = form(world, "skip_drill")
    world.slack.submit_view(view, {"reason": "I would rather not"})
    assert "members of champion or rollback_authority" in view.errors["reason"]
    assert drills(world) == [drill]


def test_a_reminder_can_be_answered_by_moving_it_in_the_words_and_the_zone_of_the_speaker(world: SlackWorld) -> None:
    drill = planned(world)
    press(world, "move_drill", f"drill={drill.id}")
    view = form(world, "move_drill")
    world.slack.submit_view(view, {"at": "when it suits"})
    assert "was not understood" in view.errors["at"]
    world.slack.submit_view(view, {"at": "in 3 h"})
    assert not view.is_open
    (moved,) = drills(world)
    assert timedelta(hours=2.9) < moved.due_at - datetime.now(UTC) < timedelta(hours=3.1)
    assert moved.slot == drill.slot


def test_a_reminder_can_be_answered_by_carrying_it_out_at_once(world: SlackWorld) -> None:
    drill = planned(world)
    press(world, "run_drill", f"drill={drill.id}", user="U0RAJ")
    (found,) = world.soon(lambda: [one for one in drills(world) if one.due_at <= datetime.now(UTC)])
    assert (found.id, found.actor) == (drill.id, "U0RAJ")


def test_a_late_press_says_what_became_of_it_and_a_forged_one_is_refused(world: SlackWorld) -> None:
    drill = planned(world)
    with world.head.store.write() as tx:
        tx.save(drill.moved(DrillEvent.SKIP, datetime.now(UTC), why="x", actor="U0RAJ"))
    press(world, "run_drill", f"drill={drill.id}")
    world.told("U0MIA", "cannot start any more: it is skipped since")
    press(world, "run_drill", f"drill={drill.id};plan=abc")
    world.told("U0MIA", "This button says nothing that can be understood")
    press(world, "run_drill", f"run={drill.id}")
    press(world, "run_drill", "drill=drl-none")
    world.told("U0MIA", "`andon drills list` shows what there is")
    assert [one.state for one in drills(world)] == [DrillState.SKIPPED]
    assert format_time(drill.due_at)
