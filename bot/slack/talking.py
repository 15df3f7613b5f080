"""`/andon`: finds the word, lets it translate, and carries out what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.chat import Give, Meaning, Open, Question, Said, Say, Show
from bot.domain.errors import AndonError, NotFound
from bot.domain.events import Command, Receipt
from bot.domain.policies import Policy
from bot.domain.words import SUBJECT_OF, Subject, Word
from bot.plugins import ChatCommand
from bot.slack.answers import Body, short
from bot.slack.desk import Desk
from bot.slack.files import Files
from bot.slack.forms.opening import Forms
from bot.slack.names import Names
from bot.slack.questions import Questions
from bot.slack.who import Visitor
from handlers.subjects import listed

PERSONS = ("owner", "to", "decider")
"""Details of orders that name a person."""


class Talking:
    """Words in, answers out; every order goes through the front door."""

    def __init__(self, desk: Desk, commands: Mapping[str, ChatCommand], forms: Forms, names: Names) -> None:
        self._desk = desk
        self._commands = commands
        self._forms = forms
        self._names = names
        self._files = Files(desk)
        self._questions = Questions(desk, commands)

    def command(self, said: Said, visitor: Visitor, delivery: str | None, trigger: str) -> Body:
        """The answer to `/andon <word> …`."""
        word = said.first.lower().replace("_", "-")
        command = self._commands.get(word)
        if command is None:
            return self._questions.answer(Show(Question.HELP, word))
        people = self._names.known(self._desk.configuration)
        told = replace(
            said.saying(said.rest),
            at=self._desk.head.clock.now(),
            zone=visitor.zone,
            speaker=visitor.actor.name,
            people=people,
        )
        return self._carry_out(command.translate(told), told, visitor, delivery, trigger)

    def _carry_out(self, meaning: Meaning, said: Said, visitor: Visitor, delivery: str | None, trigger: str) -> Body:
        if isinstance(meaning, Say):
            return short(meaning.text)
        if isinstance(meaning, Show):
            if meaning.question is not Question.HELP:
                visitor.demand_member("see that")
            return self._questions.answer(meaning)
        if isinstance(meaning, Open):
            visitor.demand_member("fill in a form")
            return self._open(meaning, trigger)
        if SUBJECT_OF[meaning.word] is Subject.RUN:
            self._check_run(meaning.subject, said)
        if SUBJECT_OF[meaning.word] is Subject.RELEASE:
            meaning = replace(meaning, subject=self._release_of(meaning.subject))
        return self.give(meaning, visitor, delivery)

    def give(self, give: Give, visitor: Visitor, delivery: str | None) -> Body:
        """Hand an order in; its message is the answer, with the page of the incident."""
        command = Command(
            give.word,
            give.subject,
            visitor.actor,
            "slack",
            give.reason,
            give.environment,
            self.details(give, visitor),
            delivery,
        )
        receipt = self._desk.order(command)
        return short(receipt.message, link=self._link(give, receipt))

    def _link(self, give: Give, receipt: Receipt) -> str | None:
        """The page of the incident, or of the release that the order was about."""
        address = self._desk.head.settings.address
        if receipt.incidents:
            return f"{address}/incidents/{receipt.incidents[0]}"
        if SUBJECT_OF[give.word] is Subject.DRILL or give.word is Word.DRILL:
            return f"{address}/drills/{receipt.records[0]}" if receipt.records else None
        is_release = SUBJECT_OF[give.word] is Subject.RELEASE and not receipt.refused
        return f"{address}/releases/{give.subject}" if is_release else None

    def details(self, give: Give, visitor: Visitor) -> dict[str, Any]:
        """The details with ids in place of names, and the text of a file in place of its id."""
        details = dict(give.details)
        for name in PERSONS:
            if isinstance(details.get(name), str):
                details[name] = self._names.id_of(details[name], visitor.actor.name, self._policy(give))
        if give.word is Word.REPORT and "file" in details:
            visitor.demand_member("attach files")
            details["files"] = self._files.keep([str(details.pop("file"))], visitor.actor.name)
        if give.word is Word.NOTES and "file" in details:
            visitor.demand_member("give notes")
            details |= self._files.text_of(str(details.pop("file")), visitor.actor.name)
        if give.word is Word.NOTES:
            details.setdefault("zone", visitor.zone)
        return details

    def _policy(self, give: Give) -> Policy | None:
        policies = self._desk.configuration.policies
        if give.subject in policies:
            return policies[give.subject]
        with self._desk.head.store.read() as tx:
            found = tx.incident(give.subject) or tx.minute(give.subject)
        return policies.get(found.service) if found else None

    def _open(self, meaning: Open, trigger: str) -> Body:
        try:
            self._forms.open(meaning, trigger)
        except NotFound:
            raise
        except AndonError as error:
            return short(
                f"The form could not be opened: {error} Write it behind the word instead; `/andon help` says how."
            )
        return short("The form is open.")

    def _release_of(self, service: str) -> str:
        """The id of the release that words about a service mean. NotFound where it never had one."""
        with self._desk.head.store.read() as tx:
            found = tx.latest_releases([service]).get(service)
        if found is None:
            raise NotFound(
                f"{service} has no release", next=f"start one: `andon release start {service} --candidate V`"
            )
        return found.id

    def _check_run(self, run_id: str, said: Said) -> None:
        """NotFound with what there is, where nothing of that name ever was."""
        if any(one.id == run_id for one in said.runs):
            return
        with self._desk.head.store.read() as tx:
            if tx.run(run_id) is not None:
                return
        there = f"going on: {listed(said.runs)}" if said.runs else "no run is going on"
        raise NotFound(f"No run {run_id!r}", next=there)
