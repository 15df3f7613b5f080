"""Answers to questions: how things stand, what happened, what can be typed; short, from the store as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from bot.domain.chat import Question, Show
from bot.domain.configuration import Configuration
from bot.domain.errors import NotFound
from bot.domain.incidents import Incident
from bot.domain.policies import Policy
from bot.domain.records import Approval
from bot.domain.releases import Service
from bot.domain.runs import Run
from bot.flow.offers import Offer, for_approval
from bot.flow.postmortem_draft import Drafting, draft_facts, short_form
from bot.flow.release_shapes import GateAnswer
from bot.flow.release_views import gate_answer
from bot.plugins import ChatCommand
from bot.ports import Transaction
from bot.slack.answers import Body, short
from bot.slack.desk import Desk

MOST_LINES = 15
MOST_WORDS = 240
"""Characters of one line of a timeline."""

HALT_HELP = "`/halt-release [service] [why]`: freeze a release at once (`all`: everything)"


class Questions:
    """Reads, and changes nothing."""

    def __init__(self, desk: Desk, commands: Mapping[str, ChatCommand]) -> None:
        self._desk = desk
        self._commands = commands

    def answer(self, show: Show) -> Body:
        """NotFound where there is nothing of that name; TryLater where the store is away."""
        if show.question is Question.HELP:
            return self._help(show.about)
        with self._desk.head.store.read() as tx:
            if show.question is Question.GATE:
                return self._gate(tx, self._desk.configuration.policy(show.about))
            if show.question is Question.TIMELINE:
                return self._timeline(tx, show.about)
            if show.question is Question.POSTMORTEM:
                return self._postmortem(tx, show.about)
            return self._status(tx, show.about)

    def _help(self, word: str) -> Body:
        wanted = word.strip().lower().replace("_", "-")
        if not wanted:
            lines = [HALT_HELP, *(_usage(one) for one in self._commands.values())]
            return short("\n".join(lines))
        if wanted in ("halt", "halt-release", "/halt-release"):
            return short(HALT_HELP)
        found = self._commands.get(wanted)
        if found is None:
            close = get_close_matches(wanted, self._commands, n=2, cutoff=0.5)
            says = f"Did you mean {' or '.join(close)}? " if close else ""
            return short(f"There is no word {wanted[:40]!r}. {says}`/andon help` lists them all.")
        return short(_usage(found))

    def _timeline(self, tx: Transaction, name: str) -> Body:
        incident = _incident(tx, name)
        lines = tx.timeline(incident.id)
        shown = [f"`{one.at:%H:%M:%S}` {one.text[:MOST_WORDS]}" for one in lines[-MOST_LINES:]]
        before = [f"{len(lines) - MOST_LINES} lines before these stand on the page."] if len(lines) > MOST_LINES else []
        title = f"{incident.service}, {incident.environment}: {incident.status} ({incident.severity}). Times are UTC."
        return short("\n".join([title, *before, *shown]), link=self._link(incident))

    def _postmortem(self, tx: Transaction, name: str) -> Body:
        incident = next(iter(tx.incidents(limit=1, service=name)), None) or _incident(tx, name)
        policy = self._desk.configuration.policies.get(incident.service)
        facts = draft_facts(Drafting.read(tx, incident, policy, self._address))
        return short("\n".join(short_form(facts)), link=f"{self._link(incident)}/postmortem")

    def _status(self, tx: Transaction, name: str) -> Body:
        configuration = self._desk.configuration
        if name in configuration.policies:
            return self._of_service(tx, configuration.policy(name))
        if name:
            incident = _incident(tx, name, configuration)
            offers: list[Offer] = []
            lines = list(self._of_incident(tx, incident, offers))
            return short("\n".join(lines), offers=offers, link=self._link(incident))
        return self._of_everything(tx, configuration)

    def _of_service(self, tx: Transaction, policy: Policy) -> Body:
        offers: list[Offer] = []
        lines = [self._line(tx, policy), *self._stage(tx, policy)]
        found = list(tx.open_incidents([policy.service]).values())
        for incident in found:
            lines += self._of_incident(tx, incident, offers)
        link = self._link(found[0]) if len(found) == 1 else f"{self._address}/services/{policy.service}"
        return short("\n".join(lines), offers=offers, link=link)

    def _of_everything(self, tx: Transaction, configuration: Configuration) -> Body:
        names = sorted(configuration.policies)
        incidents = tx.open_incidents(names)
        busy = {service for service, _ in (*incidents, *tx.active_runs(names))}
        busy |= {one.name for one in tx.services() if one.is_halted and one.name in configuration.policies}
        lines = [self._line(tx, configuration.policy(name)) for name in sorted(busy)[:MOST_LINES]]
        calm = len(names) - len(busy)
        lines.append(f"Nothing is going on at {calm} of {len(names)} services." if calm else "")
        if not tx.automation().on:
            lines.insert(0, "Automation is off everywhere: nothing is rolled back by itself.")
        return short("\n".join(filter(None, lines)) or "Nothing is protected yet.", link=self._address)

    def _line(self, tx: Transaction, policy: Policy) -> str:
        """A service in one line: the halt first, since it stays until it is lifted."""
        service = tx.service(policy.service)
        said = []
        if service is not None and service.is_halted and service.halted_at is not None:
            said.append(f"halted by {service.halted_by} at {service.halted_at:%H:%M} UTC ({service.halt_reason})"[:300])
        said += [
            f"{'drill, ' if incident.drill else ''}incident {incident.id} in {incident.environment}: "
            f"{incident.status}, {incident.severity}"
            for incident in tx.open_incidents([policy.service]).values()
        ]
        if service is not None and service.is_hands_off(self._desk.head.clock.now()):
            said.append(f"hands off until {service.hands_off_until:%H:%M} UTC")
        release = tx.latest_releases([policy.service]).get(policy.service)
        if release is not None:
            said.append(f"release {release.candidate} in place of {release.incumbent}: {release.state}")
        return f"**{policy.service}**: {'; '.join(said) or 'nothing is going on'}."

    def _stage(self, tx: Transaction, policy: Policy) -> Iterator[str]:
        """Where the release under way is, and what its gates say: nothing is run for it."""
        said = self._asked_gates(tx, policy)
        if said["stage"] is not None:
            yield f"Stage {said['stage']}: its gates say {said['verdict']} ({said['why'][:MOST_WORDS]})."

    def _gate(self, tx: Transaction, policy: Policy) -> Body:
        said = self._asked_gates(tx, policy)
        where = f", stage {said['stage']} of release {said['candidate']}" if said["stage"] else ""
        lines = [f"**{policy.service}**{where}: {said['verdict']} ({said['why'][:MOST_WORDS]})."]
        lines += [
            f"{one['name']}: {one['verdict'].replace('_', ' ')} {one['why'][:MOST_WORDS]}".strip()
            for one in said["gates"][:MOST_LINES]
        ]
        release = said["release_id"]
        link = f"{self._address}/releases/{release}" if release else f"{self._address}/services/{policy.service}"
        return short("\n".join(lines), link=link)

    def _asked_gates(self, tx: Transaction, policy: Policy) -> GateAnswer:
        service = tx.service(policy.service) or Service(policy.service)
        return gate_answer(tx, service, self._desk.head.moves)

    def _of_incident(self, tx: Transaction, incident: Incident, offers: list[Offer]) -> Iterator[str]:
        owner = f"{incident.owner} answers for it" if incident.owner else "nobody answers for it yet: `/andon take`"
        yield f"{incident.title[:200]} ({incident.severity}, {incident.status}, since {incident.opened_at:%H:%M} UTC)."
        yield f"{incident.id}: {owner}."
        run = tx.active_runs([incident.service]).get((incident.service, incident.environment))
        if run is None:
            return
        asked = next((one for one in tx.approvals(run.id) if one.is_open), None)
        yield _run_line(run, asked)
        if asked is not None:
            offers += for_approval(run, asked)

    def _link(self, incident: Incident) -> str:
        return f"{self._address}/incidents/{incident.id}"

    @property
    def _address(self) -> str:
        return self._desk.head.settings.address


def _run_line(run: Run, asked: Approval | None) -> str:
    waits = f", waits for a member of {asked.role}: {asked.question[:200]}" if asked else ""
    error = f" ({run.error[:200]})" if run.error else ""
    return f"{run.id}: {run.playbook.name} is {run.status}{waits}{error}. Deadline {run.deadline:%H:%M:%S} UTC."


def _usage(command: ChatCommand) -> str:
    usage = f" {command.usage}" if command.usage else ""
    return f"`/andon {command.name}{usage}`: {command.summary}"


def _incident(tx: Transaction, name: str, configuration: Configuration | None = None) -> Incident:
    found = tx.incident(name.lower())
    if found is not None:
        return found
    names = list(configuration.policies) if configuration else []
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    known = f"did you mean {' or '.join(close)}?" if close else f"services: {', '.join(sorted(names)[:10])}"
    raise NotFound(f"There is no service and no incident {name[:60]!r}", next=known if names else "")
