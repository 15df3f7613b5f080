"""Shows forms and takes them back: every form is about one record, whose id travels with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.domain.chat import Form, Give, Open
from bot.domain.errors import BadInput
from bot.domain.events import Command
from bot.slack.answers import Body
from bot.slack.desk import Desk
from bot.slack.forms.halt_report import OPENING, HaltForms
from bot.slack.forms.kinds import KINDS
from bot.slack.forms.sending import Sent
from bot.slack.who import Visitor

DRAFTS = "update_wanted"
"""The notices that hold the draft of an update."""

Details = Callable[[Give, Visitor], dict[str, Any]]


@dataclass(frozen=True)
class Forms:
    """All forms."""

    desk: Desk
    report: HaltForms

    def open(self, wanted: Open, trigger: str) -> None:
        """Show it to whoever holds the trigger. NotFound, or another AndonError where Slack does not show it."""
        if wanted.form is Form.REPORT:
            self.report.open(wanted.about, trigger)
            return
        with self.desk.head.store.read() as tx:
            view = KINDS[wanted.form].build(tx, wanted.about, wanted.text)
        self.desk.web.call("views.open", deadline=OPENING, trigger_id=trigger, view=view)

    def draft(self, incident_id: str, draft: str) -> str:
        """The words of a draft that somebody wants to edit; empty where it is gone."""
        with self.desk.head.store.read() as tx:
            notices = tx.notices(incident_id=incident_id, limit=10_000)
        found = (one for one in reversed(notices) if one.name == DRAFTS and one.facts.get("draft_id") == draft)
        return next((str(one.facts.get("draft", "")) for one in found), "")

    def submit(self, callback: str, sent: Sent, details: Details) -> Body:
        """What a form that was sent comes down to. BadInput where there is no such form."""
        if callback == Form.REPORT:
            return self.report.submit(sent)
        try:
            kind = KINDS[Form(callback)]
        except (ValueError, KeyError):
            raise BadInput("There is no such form", next="open it again") from None
        give = kind.order(sent)
        command = Command(
            give.word,
            give.subject,
            sent.visitor.actor,
            "slack",
            give.reason,
            details=details(give, sent.visitor),
            delivery=sent.delivery,
        )
        return sent.give(self.desk, command, field=kind.field)
