"""Heads of the audit trail go to a file, a channel, a mailbox and an object store, and are found again from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from support.audit_attacks import drop_triggers
from support.databases import KINDS
from support.driven_engine import DrivenEngine
from support.fake_slack import FakeSlack
from support.mail_server import MailServer, mail_server
from support.passing_time import passing
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.audit_heads import heads_in
from bot.domain.audit_anchors import AnchorStatus
from bot.domain.audit_trail import Head, find_heads
from bot.domain.events import Word

HOUR = timedelta(hours=1)


@dataclass
class Stage:
    """Everything that an anchor can be kept in."""

    engine: DrivenEngine
    slack: FakeSlack
    mail: MailServer
    store: ScriptedServer
    file: Path

    def happen(self) -> None:
        """Something is recorded and chained."""
        self.engine.order(Word.HALT, "unrelated")
        self.engine.app.sweep.seal()

    def anchor(self) -> Head:
        """The clock looks, and what it made due is sent; where the chain ended when it looked."""
        with self.engine.app.store.read() as tx:
            head = tx.audit_head()
        assert head is not None
        self.engine.app.sweep.look()
        self.engine.work()
        return head.position, head.hash

    def anchors(self) -> dict[str, tuple[AnchorStatus, int]]:
        """What is on record, by the beginning of the place's name."""
        with self.engine.app.store.read() as tx:
            return {name.partition(":")[0]: (one.status, one.position) for name, one in tx.last_anchors().items()}

    def actions(self) -> list[str]:
        """Entries of the trail about anchors."""
        return [action for action, _, _ in self.engine.audit() if action.startswith("audit.")]


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """All of them, each real or one that behaves."""
    with ExitStack() as stack:
        slack, mail = stack.enter_context(FakeSlack()), stack.enter_context(mail_server())
        store = stack.enter_context(scripted_server())
        file = tmp_path / "anchors"
        targets = (
            f"file:{file}",
            "slack:C0SECRET",
            "mail:audit@example.com",
            f"{store.url}/heads/{{position}}?signature=the-key-of-the-store",
        )
        values = {
            "ANDON_AUDIT_ANCHORS": ", ".join(targets),
            "ANDON_SLACK_BOT_TOKEN": slack.workspace.bot_token,
            "ANDON_SLACK_API_URL": slack.api_url,
            "ANDON_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
            "ANDON_MAIL_FROM": "andon@example.com",
        }
        engine = stack.enter_context(passing(tmp_path, str(request.param), **values))
        yield Stage(engine, slack, mail, store, file)


def test_the_newest_head_is_found_again_in_every_place_and_shows_that_the_tail_was_cut(stage: Stage) -> None:
    stage.happen()
    first = stage.anchor()
    assert heads_in(stage.file) == [first]
    [upload] = stage.store.received
    assert (upload.method, upload.path.partition("?")[0]) == ("PUT", f"/heads/{first[0]}")
    assert find_heads(upload.body.decode()) == [first]
    posted = "\n".join(json.dumps([one.text, one.blocks]) for one in stage.slack.messages("C0SECRET"))
    assert set(find_heads(posted)) == {first}
    [letter] = [one for one in stage.mail.mails if one.to == ["audit@example.com"]]
    body = letter.message.get_body(("plain",))
    assert body is not None
    assert find_heads(body.get_content()) == [first]
    assert stage.anchors() == dict.fromkeys(("file", "slack", "mail", "http"), (AnchorStatus.SENT, first[0]))
    assert stage.actions() == ["audit.anchored"] * 4
    assert "the-key-of-the-store" not in str(stage.engine.audit())

    stage.engine.app.sweep.seal()
    store, kind = stage.engine.app.store, stage.engine.app.store.engine.dialect.name
    assert store.verify_audit([first]) is None
    with store.engine.begin() as connection:  # all is taken away, and something else is written instead
        drop_triggers(connection, kind)
        for table in ("audit_heads", "audit_seals", "audit"):
            connection.execute(text(f"DELETE FROM {table}"))
    stage.happen()
    assert store.verify_audit() is None
    fault = store.verify_audit(heads_in(stage.file))
    assert fault is not None
    assert fault.position <= first[0]


def test_each_place_gets_one_head_in_an_interval_however_many_clocks_there_are(stage: Stage) -> None:
    other = stage.engine.twin()
    stage.happen()
    stage.anchor()
    other.app.sweep.look()
    stage.happen()
    stage.anchor()  # there is news, and the interval is not over
    assert (len(heads_in(stage.file)), len(stage.store.received)) == (1, 1)
    stage.engine.clock.turn(HOUR)
    second = stage.anchor()
    other.app.sweep.look()
    assert len(heads_in(stage.file)) == 2
    assert heads_in(stage.file)[-1] == second


def test_a_trail_that_has_not_grown_is_not_sent_again(stage: Stage) -> None:
    stage.happen()
    stage.anchor()
    stage.engine.app.sweep.seal()  # the clock has noted policies besides
    stage.engine.clock.turn(HOUR)
    stage.anchor()
    for _ in range(3):
        stage.engine.app.sweep.seal()  # the entries about the anchors themselves are no news
        stage.engine.clock.turn(HOUR)
        stage.anchor()
    assert len(heads_in(stage.file)) == 2
    assert len([one for one in stage.mail.mails if one.to == ["audit@example.com"]]) == 2


def test_a_place_that_fails_is_told_of_once_and_tried_again_at_the_next_interval(stage: Stage) -> None:
    stage.store.will(Answer(403, "no"), Answer(503), Answer(200))
    for _ in range(3):
        stage.happen()
        stage.anchor()
        stage.engine.clock.turn(HOUR)
    told = [one for one in _house_notices(stage) if one == "anchor_failed"]
    assert told == ["anchor_failed"]
    assert stage.actions().count("audit.anchor_failed") == 2
    assert stage.anchors()["http"][0] is AnchorStatus.SENT
    assert len(heads_in(stage.file)) == 3  # the other places get theirs all the same


def test_a_message_that_cannot_be_delivered_is_an_anchor_that_failed(stage: Stage) -> None:
    stage.mail.mailboxes["audit@example.com"] = "550 no such mailbox"
    stage.happen()
    stage.anchor()
    stage.engine.app.sweep.look()
    stage.engine.app.sweep.look()
    assert stage.anchors()["mail"][0] is AnchorStatus.FAILED
    assert _house_notices(stage).count("anchor_failed") == 1
    assert stage.actions().count("audit.anchor_failed") == 1


def _house_notices(stage: Stage) -> list[str]:
    with stage.engine.app.store.engine.connect() as connection:
        return [row[0] for row in connection.execute(text("SELECT name FROM notices WHERE service = 'andon'"))]
