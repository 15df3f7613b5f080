"""Notices on their way: one thread per incident, edits in place, mail beside, another way when one is closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from support.alert_bodies import firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.fake_slack import FakeSlack, Message
from support.installation import until
from support.ledger import running_ledger
from support.mail_server import MailServer, mail_server

from bot.domain.records import Notice, NoticeStatus
from bot.domain.words import Word

AUDIENCES = {
    "engineering": {"slack": "C0MLREL"},
    "product": {"slack": "C0PROD", "email": ["product@example.com"]},
    "executive": {"email": ["vp@example.com", "cfo@example.com"], "timezone": "Europe/Berlin"},
}


@dataclass
class Stage:
    """An engine whose notices go to a Slack that behaves and to a real mail server."""

    engine: DrivenEngine
    slack: FakeSlack
    mail: MailServer

    def protect(self, **more: object) -> str:
        """A service with audiences, and a fresh name."""
        service = fresh_name()
        self.engine.protect(service, **{"audiences": AUDIENCES, **more})
        return service

    def tell(self, incident_id: str) -> list[Notice]:
        """Send whatever is due, as a worker would, until nothing waits for its turn any more; the notices as stored."""

        def settled() -> list[Notice] | None:
            self.engine.work()
            with self.engine.app.store.read() as tx:
                found = list(tx.notices(incident_id=incident_id))
            waiting = [
                one
                for one in found
                if one.status in (NoticeStatus.DUE, NoticeStatus.FAILED)
                or (one.refresh_at is not None and one.name != "progress")
            ]
            return None if waiting else found

        return until("nothing waits to be told", settled, seconds=30)

    def halted(self, **more: object) -> tuple[str, str]:
        """A service and the incident of its halt."""
        service = self.protect(**more)
        receipt = self.engine.order(Word.HALT, service, reason="F1 fell since the feature change")
        return service, receipt.incidents[0]

    def root(self, channel: str, service: str) -> Message:
        """The message that the incident of a service hangs on in a channel."""
        return next(one for one in self.slack.messages(channel) if service in one.text)


@pytest.fixture(scope="module", params=KINDS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("delivery")
    with (
        running_ledger(folder) as ledger,
        builder(folder, ledger, request.param) as build,
        FakeSlack() as slack,
        mail_server() as mail,
    ):
        engine = build(
            ANDON_SLACK_BOT_TOKEN=slack.workspace.bot_token,
            ANDON_SLACK_API_URL=slack.api_url,
            ANDON_SMTP_URL=f"smtp://127.0.0.1:{mail.port}?starttls=never",
            ANDON_MAIL_FROM="Andon <andon@example.com>",
        )
        yield Stage(engine, slack, mail)


@pytest.fixture(autouse=True)
def undisturbed(stage: Stage) -> Iterator[None]:
    yield
    stage.slack.recover()
    stage.slack.limit(burst=None)
    stage.mail.mailboxes.clear()
    stage.mail.data_answer = ""
    stage.engine.clock.offset = timedelta(0)


def test_a_halt_is_told_in_each_channel_and_by_mail_with_its_buttons(stage: Stage) -> None:
    service, incident = stage.halted()
    notices = stage.tell(incident)
    told = {(one.audience, one.medium, one.address) for one in notices if one.name == "halted"}
    assert told == {
        ("engineering", "slack", "C0MLREL"),
        ("product", "slack", "C0PROD"),
        ("product", "mail", "product@example.com"),
        ("executive", "mail", "vp@example.com,cfo@example.com"),
    }
    assert {one.status for one in notices} == {NoticeStatus.SENT}
    root = stage.root("C0MLREL", service)
    assert [
        element["action_id"] for block in root.blocks if block["type"] == "actions" for element in block["elements"]
    ]
    mails = [one for one in stage.mail.mails if service in str(one.message["Subject"])]
    assert sorted(",".join(one.to) for one in mails) == ["product@example.com", "vp@example.com,cfo@example.com"]
    lines = [line for line in stage.engine.incident(incident)["timeline"] if line["kind"] == "notice"]
    assert any("engineering was told by slack" in line["text"] and line["link"] for line in lines)
    links = {one.link for one in notices if one.medium == "slack"}
    assert all(link and link.startswith("https://acme.slack.com/") for link in links)


def test_what_follows_hangs_on_the_first_message_of_the_incident_in_each_place(stage: Stage) -> None:
    service, incident = stage.halted()
    stage.tell(incident)
    stage.engine.order(Word.LIFT, service, by="ada", reason="the feature is back")
    stage.tell(incident)
    root = stage.root("C0MLREL", service)
    assert [one for one in stage.slack.thread("C0MLREL", root.ts) if "lifted" in one.text]
    assert "This halt was lifted" in str(stage.root("C0MLREL", service).blocks)
    mails = [one.message for one in stage.mail.mails if service in str(one.message["Subject"])]
    first = next(one for one in mails if one["To"] == "product@example.com")
    answer = next(one for one in mails if one["To"] == "product@example.com" and one["In-Reply-To"])
    assert answer["In-Reply-To"] == first["Message-ID"]
    assert answer["Subject"] == f"Re: {first['Subject']}"


def test_a_changed_fact_edits_what_stands_and_is_corrected_with_was_and_now_on_every_medium(stage: Stage) -> None:
    service, incident = stage.halted()
    stage.tell(incident)
    fields = {"user_effect": "Some cards are declined"}
    stage.engine.order(Word.REPORT, incident, fields=fields)
    stage.tell(incident)
    stage.engine.order(Word.REPORT, incident, fields={"user_effect": "2 % of cards are declined"})
    notices = stage.tell(incident)
    root = stage.root("C0MLREL", service)
    assert root.edited_at
    assert "2 % of cards are declined" in str(root.blocks)
    corrected = [one for one in notices if one.name == "correction"]
    assert {one.medium for one in corrected} == {"slack", "mail"}
    changes = corrected[-1].facts["changes"]
    assert [(one["was"], one["now"]) for one in changes] == [("Some cards are declined", "2 % of cards are declined")]


def test_a_message_that_may_have_gone_through_is_looked_for_before_it_is_sent_again(stage: Stage) -> None:
    service = stage.protect(audiences={"engineering": {"slack": "C0MLREL"}})
    fault = stage.slack.fail("chat.postMessage", mode="close_after", when=lambda call: service in str(call))
    incident = stage.engine.order(Word.HALT, service, reason="it is slow").incidents[0]
    stage.tell(incident)
    stood = [one for one in stage.slack.messages("C0MLREL") if service in one.text]
    assert len(stood) == 1
    assert fault.times == 0, "the fault was met"


def test_a_closed_channel_is_gone_around_by_the_next_way_and_shown(stage: Stage) -> None:
    service = stage.protect(audiences={"product": {"slack": "C0OLD", "email": ["product@example.com"]}})
    incident = stage.engine.order(Word.HALT, service, reason="it is slow").incidents[0]
    notices = [one for one in stage.tell(incident) if one.audience == "product"]
    fallen = next(one for one in notices if one.tried)
    assert (fallen.medium, fallen.status, fallen.tried) == ("mail", NoticeStatus.SENT, ("slack:C0OLD",))


def test_where_every_way_is_closed_the_notice_is_dead_and_the_halt_holds(stage: Stage) -> None:
    service = stage.protect(audiences={"support": {"slack": "C0OLD"}})
    incident = stage.engine.order(Word.HALT, service, reason="it is slow").incidents[0]
    notices = [one for one in stage.tell(incident) if one.audience == "support"]
    assert [one.status for one in notices] == [NoticeStatus.DEAD]
    assert "archived" in notices[0].error
    assert any(line.startswith("support could not be told (halted)") for line in stage.engine.lines(incident))
    assert stage.engine.service(service)["halted"]


def test_one_channel_gets_a_message_a_second_in_the_order_in_which_they_were_due(stage: Stage) -> None:
    service = stage.protect(audiences={"engineering": {"slack": "C0SECRET"}})
    incident = stage.engine.order(Word.HALT, service, reason="it is slow").incidents[0]
    stage.tell(incident)
    stage.slack.limit(burst=0)
    for effect in ("one", "two", "three"):
        stage.engine.order(Word.REPORT, incident, fields={"user_effect": effect})
    notices = [one for one in stage.tell(incident) if one.name == "correction"]
    assert [one.facts["changes"][0]["now"] for one in notices] == ["one", "two", "three"]
    assert [one.tries for one in notices] == [0, 0, 0], "Slack never had to refuse"
    posted = [one.ts for one in stage.slack.every_message("C0SECRET")]
    gaps = [float(later) - float(earlier) for earlier, later in zip(posted[-3:], posted[-2:], strict=False)]
    assert all(gap >= 0.95 for gap in gaps)


def test_a_rollback_counts_down_in_one_message_that_ends_as_a_receipt(stage: Stage) -> None:
    service = stage.protect(audiences={"engineering": {"slack": "C0MLREL"}, "product": {"slack": "C0PROD"}})
    receipt = stage.engine.alert(firing(service, "Divergence"))
    incident, run = receipt.incidents[0], receipt.runs[0]
    stage.engine.drive(run)
    notices = [one for one in stage.tell(incident) if one.name == "progress"]
    assert sorted(one.address for one in notices) == ["C0MLREL", "C0PROD"]
    stage.engine.clock.turn(timedelta(seconds=2))
    until("the receipt stands", lambda: stage.engine.work() or _ended(stage, incident))
    assert {one.facts["run"]["status"] for one in _progress(stage, incident)} == {"succeeded"}
    assert len([one for one in stage.slack.every_message("C0PROD") if one.metadata and service in str(one.blocks)]) == 3


def _progress(stage: Stage, incident: str) -> list[Notice]:
    return [one for one in stage.tell(incident) if one.name == "progress"]


def _ended(stage: Stage, incident: str) -> bool:
    return all(one.refresh_at is None for one in _progress(stage, incident))


def test_slack_that_is_away_delays_nothing_but_its_own_notices(stage: Stage) -> None:
    service = stage.protect()
    stage.slack.fail("chat.postMessage", mode="close", times=2, when=lambda call: service in str(call))
    incident = stage.engine.order(Word.HALT, service, reason="it is slow").incidents[0]
    stage.engine.work()
    assert [one for one in stage.mail.mails if service in str(one.message["Subject"])]
    assert stage.engine.service(service)["halted"]
    stage.tell(incident)
    assert stage.root("C0MLREL", service)
