"""`/andon` in a Slack with people in it: each answer says what happened, why, what next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.slack_world import SlackWorld, slack_world

from bot.domain.events import Actor, Command, Role, Word


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorld]:
    with slack_world(tmp_path_factory.mktemp("words")) as made:
        yield made


@pytest.fixture
def world(shared: SlackWorld) -> Iterator[SlackWorld]:
    """Calm at the beginning and at the end of each test."""
    yield shared
    owner = Actor("ada", Role.ADMIN)
    with shared.head.store.read() as tx:
        runs = list(tx.active_runs(["fraud-model", "churn-model"]).values())
    for run in runs:
        shared.head.intake.order(Command(Word.CANCEL, run.id, owner, reason="the test is over"))
    for service in ("fraud-model", "churn-model"):
        shared.head.intake.order(Command(Word.LIFT, service, owner, reason="the test is over"))
    for incident in [one for one in shared.incidents if one["status"] != "resolved"]:
        shared.head.intake.order(Command(Word.RESOLVE, incident["id"], owner, reason="the test is over"))


def test_status_of_everything_is_one_short_answer(world: SlackWorld) -> None:
    assert "Nothing is going on at 2 of 2 services" in world.said("U0IDA", "status", channel="C0ALONE")
    world.halt()
    shown = world.said("U0IDA", "status", channel="C0ALONE")
    assert "fraud-model" in shown
    assert "halted by U0IDA" in shown
    assert "Nothing is going on at 1 of 2 services" in shown


def test_status_in_the_channel_of_an_incident_is_about_that_incident(world: SlackWorld) -> None:
    incident = world.halt()
    shown = world.said("U0IDA", "status")
    assert incident in shown
    assert "SEV-2, halted" in shown


def test_an_unknown_service_is_answered_with_the_nearest_names(world: SlackWorld) -> None:
    shown = world.said("U0IDA", "status fraud-modle")
    assert "fraud-modle" in shown
    assert "did you mean fraud-model or churn-model?" in shown
    assert "did you mean churn-model" in world.said("U0RAJ", "lift churn-modle it is over")


def test_unknown_words_get_help_with_the_nearest_word(world: SlackWorld) -> None:
    assert "Did you mean status?" in world.said("U0IDA", "statsu")
    everything = world.said("U0IDA", "")
    assert "/halt-release" in everything
    assert "/andon rollback" in everything
    assert "no word" in world.said("U0IDA", "<script>alert(1)</script> x")


def test_a_rollback_waits_for_somebody_else_who_approves_by_button_and_a_late_press_hears_who_was_quicker(
    world: SlackWorld,
) -> None:
    shown = world.said("U0RAJ", "rollback fraud-model F1 is down")
    assert "waits for a member of rollback_authority" in shown
    world.slack.command("/andon", "status fraud-model", user="U0RAJ")
    offered = world.answered("U0RAJ")
    run = world.incidents[0]["runs"][0]["id"]
    world.slack.click(offered, "approve", user="U0RAJ")
    world.told("U0RAJ", "the one who asks cannot be the one who approves")
    world.slack.click(offered, "approve", user="U0IDA")  # by the group S0ONCALL
    world.told("U0IDA", "It goes on now")
    world.slack.click(offered, "approve", user="U0IDA")
    assert f"{run} was approved by U0IDA at" in world.told("U0IDA", "nothing was changed")
    assert "was approved by U0IDA" in world.said("U0IDA", f"approve {run}")
    with world.head.store.write() as tx:
        found = tx.run(run)
        assert found is not None
        assert found.approved_by == "U0IDA"


def test_an_unknown_run_is_answered_with_what_there_is(world: SlackWorld) -> None:
    assert "no run is going on" in world.said("U0RAJ", "approve run-01nothing00")
    assert "No run waits for an approval here" in world.said("U0RAJ", "approve")
    world.said("U0RAJ", "rollback fraud-model F1 is down")
    assert "rollback_model, fraud-model" in world.said("U0IDA", "approve run-01nothing00")


def test_a_rejected_rollback_ends_with_its_reason(world: SlackWorld) -> None:
    world.said("U0RAJ", "rollback fraud-model staging F1 is down")
    assert "rejected" in world.said("U0IDA", "reject not now")
    assert world.incidents[0]["runs"][0]["status"] == "cancelled"
    assert world.incidents[0]["environment"] == "staging"


def test_lifting_needs_a_reason_and_the_role(world: SlackWorld) -> None:
    world.halt()
    assert "A reason is needed" in world.said("U0RAJ", "lift fraud-model")
    assert "for members of rollback_authority or champion" in world.said("U0SUE", "lift fraud-model it is fine")
    assert world.service()["state"] == "halted"
    assert "is lifted" in world.said("U0RAJ", "lift the flag is off")
    assert world.service()["halted"] is None


def test_hands_off_takes_its_span_with_the_service_or_without(world: SlackWorld) -> None:
    assert "For how long?" in world.said("U0RAJ", "hands-off fraud-model")
    assert "paused until" in world.said("U0RAJ", "hands-off fraud-model 2h deploy by hand")
    assert world.service()["hands_off"]["reason"] == "deploy by hand"
    assert "on again" in world.said("U0RAJ", "hands_off fraud-model 0s")


def test_an_incident_is_taken_offered_accepted_and_resolved(world: SlackWorld) -> None:
    incident = world.halt()
    assert "took the incident" in world.said("U0RAJ", "take")
    assert "offers the incident to U0MIA" in world.said("U0RAJ", "handover <@U0MIA|mia> going home")
    assert "was offered to U0MIA" in world.said("U0IDA", "accept")
    assert "took the incident over" in world.said("U0MIA", f"accept {incident}")
    assert "A reason is needed" in world.said("U0MIA", "resolve")
    world.said("U0MIA", "resolve fraud-model the flag is off for good")
    assert world.incidents[0]["status"] == "resolved"


def test_a_handover_by_name_finds_the_person_whom_a_policy_names(world: SlackWorld) -> None:
    world.halt("U0RAJ")
    world.soon(lambda: "offers the incident to U0MIA" in world.said("U0RAJ", "handover mia") or None)


def test_the_timeline_shows_the_newest_lines_and_links_to_the_rest(world: SlackWorld) -> None:
    incident = world.halt()
    shown = world.said("U0IDA", "timeline")
    assert "U0IDA halted the release" in shown
    assert f"/incidents/{incident}" in shown


def test_an_update_goes_to_every_audience_and_blame_is_sent_back(world: SlackWorld) -> None:
    world.halt()
    assert "The update goes to" in world.said("U0IDA", "update The flag is off; scores recover.")
    assert "was not sent" in world.said("U0IDA", "update It is Raj's fault, he broke it.")
    assert "The update goes to" in world.said("U0IDA", "update anyway It is Raj's fault, he broke it.")


def test_an_update_without_words_opens_a_form(world: SlackWorld) -> None:
    world.halt()
    world.said("U0IDA", "update")
    view = next(one for one in reversed(world.slack.views) if one.body["callback_id"] == "update")
    world.slack.submit_view(view, {"text": "The flag is off; scores recover."})
    assert not view.is_open
    assert any(line["kind"] == "update" for line in world.incidents[0]["timeline"])


def test_a_meeting_is_proposed_started_and_ended(world: SlackWorld) -> None:
    world.halt()
    assert "Meeting proposed for" in world.said("U0IDA", "meeting propose tomorrow 10:00")
    assert "The meeting goes on" in world.said("U0IDA", "meeting start")
    assert "The meeting is over" in world.said("U0IDA", "meeting end")
    assert "What about the meeting?" in world.said("U0IDA", "meeting")


def test_restored_state_is_endorsed_by_its_role_only(world: SlackWorld) -> None:
    world.halt()
    assert "is not a member of endorser" in world.said("U0SUE", "endorse")
    assert "cannot endorse" in world.said("U0RAJ", "endorse it is fine")


def test_without_an_open_incident_words_about_one_say_so(world: SlackWorld) -> None:
    assert "No incident is open" in world.said("U0IDA", "take")
    assert "No incident of churn-model is open" in world.said("U0IDA", "timeline churn-model")


def test_two_open_incidents_have_to_be_told_apart(world: SlackWorld) -> None:
    world.halt()
    world.slack.command("/halt-release", "churn-model too", user="U0LEO")
    shown = world.said("U0RAJ", "take", channel="C0PROD")
    assert "took" in shown  # the channel belongs to fraud-model alone
    shown = world.said("U0RAJ", "take", channel="C0ALONE")
    assert "Which incident?" in shown
    assert "churn-model (inc-" in shown
    assert "took" in world.said("U0RAJ", "take churn-model", channel="C0ALONE")
    world.said("U0LEO", "lift churn-model over")


def test_halt_behind_the_other_command_halts(world: SlackWorld) -> None:
    world.said("U0IDA", "halt fraud-model F1 is down")
    assert world.service()["state"] == "halted"


def test_answers_link_to_the_page_of_the_incident(world: SlackWorld) -> None:
    incident = world.halt()
    assert f"{world.head.settings.address}/incidents/{incident}" in world.said("U0IDA", "status")


def test_the_account_of_an_incident_is_told_in_short_with_the_way_to_it(world: SlackWorld) -> None:
    incident = world.halt()
    for words, channel in (("postmortem", None), (f"postmortem {incident}", "C0ALONE")):
        shown = world.said("U0IDA", words, **({"channel": channel} if channel else {}))
        assert "a SEV-2 incident was opened for fraud-model" in shown
        assert "Postmortem: not begun" in shown
        assert f"/incidents/{incident}/postmortem" in shown
    assert "commented" in world.said("U0RAJ", "postmortem comment F1 was seen late")
    assert "may not sign this postmortem off" in world.said("U0IDA", "postmortem sign-off")
    world.said("U0IDA", f"resolve {incident} the flag is off")
    assert "Postmortem: due, due " in world.said("U0IDA", "postmortem fraud-model", channel="C0ALONE")
