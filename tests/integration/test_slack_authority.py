"""Who may what in Slack: every cell of the matrix is answered clearly, recorded, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fake_slack import Answer, Message
from support.slack_world import SlackWorld, slack_world

STRANGERS = {
    "guest of one channel": "U0GUEST",
    "guest of several channels": "U0MULTI",
    "deactivated": "U0GONE",
    "program": "U0ROBOT",
    "of another workspace": "U0ALIEN",
    "nobody": "U0NOBODY9",
}
WORDS = (
    "rollback fraud-model F1 is down",
    "approve",
    "reject",
    "take",
    "handover <@U0MIA>",
    "lift fraud-model fine",
    "hands-off fraud-model 2h",
    "decide keep 41",
    "action <@U0MIA> check",
    "question why?",
    "update all is well",
    "meeting start",
    "endorse",
    "resolve over",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorld]:
    with slack_world(tmp_path_factory.mktemp("authority")) as made:
        made.slack.workspace.people["U0NOBODY9"] = made.slack.workspace.people["U0GONE"]
        made.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
        made.slack.command("/andon", "rollback fraud-model F1 is down", user="U0RAJ")
        yield made


def state(world: SlackWorld) -> object:
    """All that an order could have changed."""
    incident = world.incidents[0]
    kept = {key: value for key, value in incident.items() if key not in ("decisions",)}
    return kept, world.service(), len(world.minutes())


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("words", WORDS)
def test_strangers_give_no_orders_and_each_try_is_recorded(shared: SlackWorld, who: str, words: str) -> None:
    before, refused = state(shared), len(shared.refused())
    shown = shared.said(STRANGERS[who], words)
    assert "only full members" in shown or "did not say in time who that is" in shown
    assert state(shared) == before
    assert len(shared.refused()) == refused + 1


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_halt_nothing_and_learn_no_names_of_services(shared: SlackWorld, who: str) -> None:
    before = shared.service("churn-model")["state"]
    shown = shared.said(STRANGERS[who], "fraud-model mine", word="/halt-release")
    assert "may not halt" in shown
    for words in ("", "all of it", "fraud-modle"):
        shown = shared.said(STRANGERS[who], words, word="/halt-release", channel="C0ALONE")
        assert "may not halt" in shown
        assert "churn-model" not in shown
    assert shared.service("churn-model")["state"] == before


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("words", ["status", "timeline", "decide", "update"])
def test_strangers_see_nothing_and_open_no_form(shared: SlackWorld, who: str, words: str) -> None:
    views = len(shared.slack.views)
    shown = shared.said(STRANGERS[who], words)
    assert "may not" in shown
    assert "F1 is down" not in shown
    assert len(shared.slack.views) == views


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_press_no_button(shared: SlackWorld, who: str) -> None:
    before, refused = state(shared), len(shared.refused())
    offered = approval(shared)
    user = STRANGERS[who]
    shared.slack.click(offered, "approve", user=user)
    shared.told(user, "may not approve")
    assert state(shared) == before
    assert len(shared.refused()) == refused + 1


def approval(world: SlackWorld) -> Message:
    """A message with the buttons of the run that waits."""
    world.slack.command("/andon", "status fraud-model", user="U0IDA")
    return world.soon(
        lambda: [one for one in world.slack.ephemerals if one.seen_by == "U0IDA" and "approve" in str(one.blocks)]
    )[-1]


def test_the_one_who_asks_does_not_approve_by_whatever_way(shared: SlackWorld) -> None:
    before = state(shared)
    shared.slack.click(approval(shared), "approve", user="U0RAJ")
    shared.told("U0RAJ", "the one who asks cannot be the one who approves")
    assert "the one who asks cannot be the one who approves" in shared.said("U0RAJ", "approve")
    assert state(shared) == before


def test_a_member_without_the_role_is_told_who_has_it(shared: SlackWorld) -> None:
    before = state(shared)
    shared.slack.click(approval(shared), "approve", user="U0SUE")
    assert "U0RAJ" in shared.told("U0SUE", "is not a member of rollback_authority")
    assert state(shared) == before


def test_a_halt_that_a_policy_keeps_for_some_is_refused_to_others_and_recorded(shared: SlackWorld) -> None:
    refused = len(shared.refused())
    shown = shared.said("U0IDA", "churn-model F1 is down", word="/halt-release")
    assert "that is for members of halt; ask one of U0LEO" in shown
    assert "ephemeral" in shown
    assert shared.service("churn-model")["state"] == "normal"
    assert len(shared.refused()) == refused + 1


FORGED: dict[str, dict[str, str]] = {
    "another run": {"action_id": "approve", "value": "run=run-01forged00000;plan=0000"},
    "another plan": {"action_id": "approve", "value": "run={run};plan=0000000000000000"},
    "without a plan": {"action_id": "approve", "value": "run={run}"},
    "plan twice": {"action_id": "approve", "value": "run={run};plan={plan};plan={plan}"},
    "more than it says": {"action_id": "approve", "value": "run={run};plan={plan};incident=inc-1"},
    "no value": {"action_id": "approve", "value": ""},
    "no such word": {"action_id": "destroy", "value": "run={run}"},
    "a word for everything": {"action_id": "automation", "value": "service=all"},
    "a path": {"action_id": "take", "value": "incident=../../etc/passwd"},
    "a statement": {"action_id": "take", "value": "incident=x' OR 1=1 --"},
    "line breaks": {"action_id": "take", "value": "incident=x\nrun=y"},
    "too long": {"action_id": "halt", "value": "service=" + "x" * 1900},
    "markup": {"action_id": "<!channel>", "value": "<!channel>"},
    "another kind": {"action_id": "take", "value": "run={run}"},
    "a release that nobody started": {"action_id": "release_endorse", "value": "release=rel-01forged0000"},
    "a signature of nothing": {"action_id": "sign", "value": "release=rel-01forged0000"},
    "what no notice offers": {"action_id": "promote", "value": "release=rel-01forged0000"},
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_buttons_are_refused_and_change_nothing(shared: SlackWorld, name: str) -> None:
    before = state(shared)
    offered = approval(shared)
    run = shared.incidents[0]["runs"][0]
    forged = {
        key: value.replace("{run}", run["id"]).replace("{plan}", run["plan_hash"])
        for key, value in FORGED[name].items()
    }
    shown = len(shared.slack.ephemerals)
    answer = shared.slack.forged_click(offered, forged, user="U0IDA")
    assert answer.status == 200
    shared.soon(lambda: len(shared.slack.ephemerals) > shown)
    assert state(shared) == before


def test_a_form_whose_subject_was_exchanged_is_refused_where_it_was_not_entitled(shared: SlackWorld) -> None:
    before = state(shared)
    shared.said("U0IDA", "update")
    view = next(one for one in reversed(shared.slack.views) if one.body["callback_id"] == "update")
    view.body["private_metadata"] = "incident=inc-01nothing0000"
    shared.slack.submit_view(view, {"text": "all is well"})
    assert "inc-01nothing0000" in view.errors["text"]
    view.body["private_metadata"] = "run=x;nonsense"
    answer = shared.slack.submit_view(view, {"text": "all is well"})
    assert answer.status == 200
    assert state(shared) == before


def test_a_replayed_press_counts_once(shared: SlackWorld) -> None:
    offered = approval(shared)
    answer = shared.slack.click(offered, "take", user="U0IDA") if "take" in str(offered.blocks) else None
    pressed: Answer = answer or shared.slack.forged_click(
        offered, {"action_id": "take", "value": f"incident={shared.incidents[0]['id']}"}, user="U0IDA"
    )
    lines = len(shared.incidents[0]["timeline"])
    assert shared.slack.replay(pressed).status == 401
    assert shared.slack.again(pressed).status == 200
    assert len(shared.incidents[0]["timeline"]) == lines


def test_who_was_removed_from_the_role_meanwhile_approves_nothing(tmp_path: Path) -> None:
    with slack_world(tmp_path) as world:
        world.slack.command("/andon", "rollback fraud-model F1 is down", user="U0RAJ")
        offered = approval(world)
        current = world.head.configuration.current
        policy = current.policies["fraud-model"]
        narrowed = policy.model_copy(update={"roles": {**policy.roles, "rollback_authority": ("U0LEO",)}})
        world.head.configuration.current = type(current)(
            {**current.policies, "fraud-model": narrowed}, current.playbooks, digest="narrowed"
        )
        world.slack.click(offered, "approve", user="U0IDA")
        world.told("U0IDA", "is not a member of rollback_authority")
        assert world.incidents[0]["runs"][0]["status"] == "waiting"
        world.slack.click(offered, "approve", user="U0LEO")
        world.told("U0LEO", "It goes on now")


def test_two_ids_of_one_person_are_not_two_people(tmp_path: Path) -> None:
    from bot.domain.events import Actor, Command, Role
    from bot.domain.words import Word

    with slack_world(tmp_path) as world:
        world.head.intake.order(
            Command(Word.ROLLBACK, "fraud-model", Actor("token-ida", Role.OPERATOR), reason="F1 is down")
        )
        world.slack.click(approval(world), "approve", user="U0IDA")
        world.told("U0IDA", "the one who asks cannot be the one who approves")


Broken = Callable[[SlackWorld], object]


@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param(lambda world: world.slack.fail("users.info", times=-1, mode="close"), id="away"),
        pytest.param(lambda world: world.slack.fail("users.info", times=-1, error="ratelimited"), id="limited"),
        pytest.param(lambda world: world.slack.fail("users.info", times=-1, mode="garbage"), id="garbage"),
        pytest.param(lambda world: world.slack.revoke(), id="revoked"),
    ],
)
def test_while_slack_does_not_say_who_somebody_is_only_a_halt_counts(tmp_path: Path, breaks: Broken) -> None:
    with slack_world(tmp_path) as world:
        breaks(world)
        assert "did not say in time who that is" in world.said("U0SUE", "rollback fraud-model F1 is down")
        world.said("U0SUE", "fraud-model F1 is down", word="/halt-release")
        assert world.service()["state"] == "halted"
        assert "did not say in time who that is" in world.said("U0SUE", "lift fraud-model it is fine")
        assert world.service()["state"] == "halted"
