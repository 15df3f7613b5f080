"""Releases in Slack: a brief is acknowledged and a watched candidate endorsed by a press, and words ask to go on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from support.slack_world import FRAUD, SlackWorld, slack_world

from bot.domain.events import Actor, Command, Role, Word
from bot.domain.releases import Release, ReleaseStatus
from bot.flow.offers import for_release

STAGED = {
    **FRAUD,
    "service": "ranker",
    "match": 'alert.labels.service == "ranker"',
    "release": None,
    "baseline": "7",
    "stages": [{"name": "evaluation"}, {"name": "production"}],
}
OWNER = Actor("ada", Role.ADMIN)
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorld]:
    policy = {name: one for name, one in STAGED.items() if one is not None}
    with slack_world(tmp_path_factory.mktemp("releases"), FRAUD, policy) as made:
        yield made


def started(world: SlackWorld) -> str:
    details = {"candidate": f"c{next(_NUMBERS)}"}
    receipt = world.head.intake.order(Command(Word.RELEASE_START, "ranker", OWNER, details=details))
    assert not receipt.refused, receipt.message
    return str(receipt.records[0])


def release(world: SlackWorld, release_id: str) -> Release:
    with world.head.store.read() as tx:
        found = tx.release(release_id)
    assert found is not None
    return found


def pressed(world: SlackWorld, name: str, release_id: str, user: str) -> None:
    """The button of a notice, as the notice's facts hold it."""
    (one,) = for_release(name, {"release": {"id": release_id}}, "engineering")
    posted, _ = world.slack.say("a notice with buttons")
    answer = world.slack.forged_click(posted, {"action_id": one["action"], "value": one["value"]}, user=user)
    assert answer.status == 200


def brief_of(world: SlackWorld, release_id: str) -> list[tuple[str, str]]:
    with world.head.store.read() as tx:
        return [(one.subject, one.by) for one in tx.signatures(release_id)]


def test_a_brief_is_acknowledged_by_a_press_and_once(world: SlackWorld) -> None:
    release_id = started(world)
    pressed(world, "release_brief", release_id, "U0IDA")
    shown = world.told("U0IDA", "signed brief:engineering")
    assert f"/releases/{release_id}" in shown
    assert brief_of(world, release_id) == [("brief:engineering", "U0IDA")]
    pressed(world, "release_brief", release_id, "U0IDA")
    world.told("U0IDA", "signed brief:engineering already")
    assert len(brief_of(world, release_id)) == 1


def test_a_watched_candidate_is_endorsed_by_a_press_of_its_role_only(world: SlackWorld) -> None:
    release_id = started(world)
    pressed(world, "release_watched", release_id, "U0RAJ")
    world.told("U0RAJ", "it can be endorsed once it was watched")
    with world.head.store.write() as tx:
        tx.save(release(world, release_id).at(ReleaseStatus.WATCHED, None, world.head.clock.now()))
    pressed(world, "release_watched", release_id, "U0LEO")
    world.told("U0LEO", "endorse")
    assert release(world, release_id).status is ReleaseStatus.WATCHED
    pressed(world, "release_watched", release_id, "U0RAJ")
    world.told("U0RAJ", "is endorsed")
    assert release(world, release_id).status is ReleaseStatus.ENDORSED


def test_status_and_gate_show_the_stage_and_what_its_gates_say(world: SlackWorld) -> None:
    candidate = release(world, started(world)).candidate
    shown = world.said("U0IDA", "status ranker")
    assert f"release {candidate} in place of " in shown
    assert "Stage evaluation: its gates say pass" in shown
    assert f"stage evaluation of release {candidate}: pass" in world.said("U0IDA", "gate ranker")


def test_to_go_on_is_asked_for_by_the_name_of_the_service(world: SlackWorld) -> None:
    release_id = started(world)
    shown = world.said("U0IDA", "promote ranker it was looked over")
    assert f"Release {release_id} is to pass evaluation" in shown
    with world.head.store.read() as tx:
        walk = tx.walk(release_id)
    assert walk is not None
    assert walk.wanted_by == "U0IDA"


@pytest.mark.parametrize("what", ["promote fraud-model", "promote nothing-model"])
def test_where_there_is_no_release_to_promote_it_is_said(world: SlackWorld, what: str) -> None:
    before: Any = world.audit()
    shown = world.said("U0IDA", what)
    assert "has no release" in shown or "No service is called" in shown
    assert world.audit() == before


def test_a_halted_release_is_not_promoted_and_its_gate_says_fail(world: SlackWorld) -> None:
    release_id = started(world)
    world.slack.command("/halt-release", "ranker scores are odd", user="U0RAJ")
    assert "is halted by U0RAJ" in world.said("U0IDA", "promote ranker")
    assert "fail (halted by U0RAJ: scores are odd)" in world.said("U0IDA", "gate ranker")
    assert release(world, release_id).status is ReleaseStatus.HALTED
    world.head.intake.order(Command(Word.LIFT, "ranker", OWNER, reason="the test is over"))
