"""The account of an incident: asked for at its end, written together, signed off, and reminded of until then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from difflib import unified_diff
from typing import Any

import pytest
from support.alert_bodies import firing
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import DrivenEngine, fresh_name
from support.passing_time import member, passing, said, told_to, turn

from bot.domain.errors import BadInput
from bot.domain.events import Receipt, Word
from bot.domain.postmortems import ChangeVerdict, Lesson, Postmortem, PostmortemState
from bot.domain.runs import RunStatus
from bot.flow.postmortem_draft import Drafting, draft_facts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROLES = {"rollback_authority": ["olga", "otto"], "endorser": ["olga"], "champion": ["nina", "otto"]}
EDIT, COMMENT, LESSON = Word.POSTMORTEM_EDIT, Word.POSTMORTEM_COMMENT, Word.POSTMORTEM_LESSON
SIGN_OFF, REOPEN = Word.POSTMORTEM_SIGN_OFF, Word.POSTMORTEM_REOPEN


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    with passing(tmp_path_factory.mktemp("postmortems"), request.param) as engine:
        yield engine


def resolved(engine: DrivenEngine, severity: str = "critical", **more: Any) -> str:
    """The incident of a service that was rolled back, accepted and closed."""
    service = fresh_name()
    engine.protect(service, **{"roles": ROLES, **more})
    receipt = engine.alert(firing(service, severity=severity))
    assert engine.drive(receipt.runs[0]).status is RunStatus.SUCCEEDED
    incident = receipt.incidents[0]
    engine.order(Word.ENDORSE, incident)
    assert not engine.order(Word.RESOLVE, incident, reason="It serves well").refused
    return incident


def kept(engine: DrivenEngine, incident: str) -> Postmortem | None:
    with engine.app.store.read() as tx:
        return tx.postmortem(incident)


def state(engine: DrivenEngine, incident: str) -> PostmortemState:
    found = kept(engine, incident)
    assert found is not None
    return found.state


def lessons(engine: DrivenEngine, incident: str) -> list[Lesson]:
    with engine.app.store.read() as tx:
        return list(tx.lessons(incident))


def policy_text(engine: DrivenEngine, incident: str) -> tuple[str, str]:
    """The path of the policy in the folder, and its text."""
    path = f"policies/{engine.stored_incident(incident).service}.yaml"
    return path, (engine.config / path).read_text("utf-8")


def diff_of(path: str, before: str, after: str) -> str:
    return "".join(unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), path, path))


def write(engine: DrivenEngine, incident: str, text: str = "Ask sooner", by: str = "olga", **more: Any) -> Receipt:
    return said(engine, EDIT, incident, by, section=more.pop("section", "lessons"), text=text, **more)


def test_from_a_rollback_to_a_reviewed_account_with_a_change_that_passes_the_check(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    found = kept(engine, incident)
    assert found is not None
    assert (found.state, found.due_at) == (PostmortemState.DUE, engine.stored_incident(incident).resolved_at + 3 * DAY)
    assert told_to(engine.notices(incident, "postmortem_ready")) == ["person:nina", "person:otto"]
    assert "postmortem is due by" in engine.lines(incident)[-1]

    answer = write(engine, incident, "Olga broke it because she was careless.")
    assert not answer.refused
    assert "could be put better" in answer.message
    assert state(engine, incident) is PostmortemState.DRAFT
    write(engine, incident, "Nobody had looked at the alert's delay.")
    write(engine, incident, "One in fifty payments was asked twice.", section="impact", by="otto")
    assert not said(engine, COMMENT, incident, "vera", text="Which merchants?", section="impact").refused

    path, text = policy_text(engine, incident)
    good = diff_of(path, text, text.replace("cooldown: 30m", "cooldown: 45m"))
    taken = said(engine, LESSON, incident, "olga", text="Wait longer between two rollbacks", diff=good)
    assert "applies and passes the check" in taken.message
    bad = diff_of(path, text, text.replace("playbook: by_key", "playbook: by_magic"))
    refused = said(engine, LESSON, incident, "olga", text="Use another way back", diff=bad)
    assert not refused.refused, "the lesson is kept all the same"
    first, second = lessons(engine, incident)
    assert (first.verdict, first.faults, first.diff) == (ChangeVerdict.VALID, (), good)
    assert second.verdict is ChangeVerdict.REFUSED
    line = text.splitlines().index("  playbook: by_key") + 1
    assert second.faults[0].startswith(f"{path}:{line}: ")
    assert "by_magic" in second.faults[0]
    assert policy_text(engine, incident)[1] == text, "nothing is written"
    assert not said(engine, LESSON, incident, "olga", withdraw=second.id).refused

    assert said(engine, SIGN_OFF, incident, "olga").refused, "she holds no role that signs"
    signed = said(engine, SIGN_OFF, incident, "nina")
    assert not signed.refused, signed.message
    assert state(engine, incident) is PostmortemState.REVIEWED
    assert told_to(engine.notices(incident, "postmortem_reviewed")) == ["engineering"]
    assert "stays as it is" in write(engine, incident, "More").message
    assert said(engine, REOPEN, incident, "nina", reason="A fact was wrong").refused is False
    assert state(engine, incident) is PostmortemState.DRAFT
    changed = [action for action, subject, _ in engine.audit() if subject == f"order:{incident}"]
    assert changed.count("order.postmortem_edit") == 3
    assert {"order.postmortem_lesson", "order.postmortem_sign_off", "order.postmortem_reopen"} <= set(changed)


def test_the_draft_is_the_same_for_the_same_record_whenever_it_is_made(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    engine.work()

    def draft() -> dict[str, Any]:
        with engine.app.store.read() as tx:
            stored = engine.stored_incident(incident)
            policy = engine.app.configuration.current.policies[stored.service]
            return draft_facts(Drafting.read(tx, stored, policy, "https://andon.example"))

    first = draft()
    turn(engine, 2 * DAY)
    assert draft() == first, "reminders and the account's own lines are no part of it"
    assert "olga" not in str([one["text"] for one in first["timeline"]])
    assert "a member of rollback authority resolved the incident" in str(first["timeline"])


@pytest.mark.parametrize(
    ("rule", "severity", "wanted"),
    [
        ({}, "critical", 3 * DAY),
        ({"postmortem": {"SEV-1": "72h"}}, "critical", 3 * DAY),
        ({"postmortem": {"SEV-1": "off"}}, "critical", None),
        ({}, "minor", None),
        ({"postmortem": {"SEV-3": "12h"}}, "minor", DAY / 2),
    ],
)
def test_when_it_is_due_goes_by_severity_and_policy(
    engine: DrivenEngine, rule: dict[str, Any], severity: str, wanted: timedelta | None
) -> None:
    incident = resolved(engine, severity, **rule)
    found, stored = kept(engine, incident), engine.stored_incident(incident)
    assert (found.due_at - stored.resolved_at if found and found.due_at and stored.resolved_at else None) == wanted
    assert bool(engine.notices(incident, "postmortem_ready")) is (wanted is not None)


def test_whoever_owns_it_is_reminded_until_it_is_reviewed_and_the_champion_after_three_in_vain(
    engine: DrivenEngine,
) -> None:
    service = fresh_name()
    engine.protect(service, roles=ROLES)
    receipt = engine.alert(firing(service, severity="critical"))
    engine.drive(receipt.runs[0])
    incident = receipt.incidents[0]
    said(engine, Word.TAKE, incident, "olga")
    engine.order(Word.RESOLVE, incident)

    def reminded() -> list[str]:
        return told_to(engine.notices(incident, "postmortem_due"))

    turn(engine, 2 * DAY - HOUR, ticks=12 * HOUR)
    assert reminded() == []
    turn(engine, HOUR)
    assert reminded() == ["person:olga"]
    turn(engine, DAY, ticks=6 * HOUR)
    assert reminded() == ["person:olga"] * 2, "when it is due"
    write(engine, incident)
    turn(engine, DAY, ticks=6 * HOUR)
    assert reminded() == ["person:olga"] * 3
    turn(engine, DAY, ticks=6 * HOUR)
    assert reminded() == ["person:olga"] * 4 + ["person:nina", "person:otto"]
    assert engine.notices(incident, "postmortem_due")[-1].facts["postmortem"]["escalated"] is True
    turn(engine, 2 * DAY, ticks=DAY)
    assert reminded() == ["person:olga"] * 4 + ["person:nina", "person:otto"] + ["person:olga"] * 2
    assert not said(engine, SIGN_OFF, incident, "nina").refused
    turn(engine, 5 * DAY, ticks=DAY)
    assert len(reminded()) == 8, "nobody is reminded of what is reviewed"


def test_after_days_in_which_nothing_ran_and_by_several_clocks_there_is_one_reminder(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    twins = [engine.twin() for _ in range(4)]
    engine.clock.turn(12 * DAY)
    at_once([twin.app.sweep.wake for twin in twins])
    assert told_to(engine.notices(incident, "postmortem_due")) == ["person:nina", "person:otto"]


def test_a_policy_that_was_away_for_a_while_ends_no_reminders(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    path, text = policy_text(engine, incident)
    (engine.config / path).unlink()
    engine.app.configuration.reload()
    turn(engine, 3 * DAY, ticks=DAY)
    assert told_to(engine.notices(incident, "postmortem_due")) == []
    (engine.config / path).write_text(text)
    engine.app.configuration.reload()
    turn(engine, 2 * DAY, ticks=DAY)
    assert set(told_to(engine.notices(incident, "postmortem_due"))) == {"person:nina", "person:otto"}


def test_the_only_one_who_wrote_it_does_not_review_it(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    write(engine, incident, by="otto")
    assert "nobody else has written" in said(engine, SIGN_OFF, incident, "otto").message
    write(engine, incident, by="olga", section="impact")
    assert not said(engine, SIGN_OFF, incident, "otto").refused


def test_several_roles_sign_by_different_people_and_a_change_makes_signatures_void(engine: DrivenEngine) -> None:
    incident = resolved(engine, postmortem={"sign_off": ["champion", "rollback_authority"]})
    assert "nobody has written" in said(engine, SIGN_OFF, incident, "nina").message
    write(engine, incident)
    assert "Still missing: rollback authority" in said(engine, SIGN_OFF, incident, "otto", role="champion").message
    assert "has signed for another role" in said(engine, SIGN_OFF, incident, "otto").message
    write(engine, incident, "Something else")
    assert "Still missing" in said(engine, SIGN_OFF, incident, "nina").message, "the champion signs anew"
    assert "it is reviewed" in said(engine, SIGN_OFF, incident, "otto").message
    assert "signed off already" in said(engine, SIGN_OFF, incident, "nina").message
    with pytest.raises(BadInput, match="does not sign postmortems here"):
        said(engine, SIGN_OFF, incident, "olga", role="endorser")


def test_in_chat_everybody_may_comment_and_only_owners_and_roles_may_write(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    stranger, champion = member("U0STRANGE"), member("nina")
    assert not said(engine, COMMENT, incident, stranger, text="I saw it too").refused
    refused = said(engine, EDIT, incident, stranger, section="summary", text="Hello")
    assert "say it as a comment" in refused.message
    assert said(engine, LESSON, incident, stranger, text="x").refused
    assert not said(engine, EDIT, incident, champion, section="summary", text="Hello").refused


def test_two_who_write_at_once_do_not_overwrite_each_other(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    write(engine, incident, "First", seen=0)
    refused = write(engine, incident, "Second", by="otto", seen=0)
    assert "Somebody wrote into Lessons since you opened it" in refused.message
    with engine.app.store.read() as tx:
        assert [one.text for one in tx.section_texts(incident)] == ["First"]
    assert "nothing changed" in write(engine, incident, "First ").message


def test_an_account_can_be_begun_before_the_end_and_is_due_from_then_on(engine: DrivenEngine) -> None:
    service = fresh_name()
    engine.protect(service, roles=ROLES)
    receipt = engine.alert(firing(service, severity="critical"))
    engine.drive(receipt.runs[0])
    write(engine, receipt.incidents[0], "So far we know little")
    before = kept(engine, receipt.incidents[0])
    assert before is not None
    assert (before.state, before.due_at, before.remind_at) == (PostmortemState.DRAFT, None, None)
    engine.order(Word.RESOLVE, receipt.incidents[0])
    after = kept(engine, receipt.incidents[0])
    assert after is not None
    assert after.due_at is not None
    assert after.state is PostmortemState.DRAFT


@pytest.mark.parametrize(
    ("diff", "why"),
    [
        ("just words", "no unified diff"),
        ("--- a/etc/passwd\n+++ b/etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", "is neither policies/"),
        ("--- policies/../x.yaml\n+++ policies/../x.yaml\n@@ -1 +1 @@\n-a\n+b\n", "is neither policies/"),
        ("--- policies/nobody.yaml\n+++ policies/nobody.yaml\n@@ -1 +1 @@\n-a\n+b\n", "is not in force"),
        ("--- policies/nobody.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "would be deleted"),
        ("--- /dev/null\n+++ policies/fresh.yaml\n@@ -0,0 +1 @@\n+service: fresh\n", "policies/fresh.yaml:1"),
    ],
)
def test_a_change_that_cannot_be_taken_is_kept_with_the_reason(engine: DrivenEngine, diff: str, why: str) -> None:
    incident = resolved(engine)
    assert not said(engine, LESSON, incident, "olga", text="Learned", diff=diff).refused
    (lesson,) = lessons(engine, incident)
    assert lesson.verdict is ChangeVerdict.REFUSED
    assert why in lesson.faults[0]


def test_a_diff_against_an_older_text_says_which_line_differs(engine: DrivenEngine) -> None:
    incident = resolved(engine)
    path, text = policy_text(engine, incident)
    stale = text.replace("cooldown: 30m", "cooldown: 31m")
    said(engine, LESSON, incident, "olga", text="Learned", diff=diff_of(path, stale, stale.replace("31m", "60m")))
    (lesson,) = lessons(engine, incident)
    assert "the version in force has 'cooldown: 30m'" in lesson.faults[0]
