"""Reads of the API and the pages: one consistent view each, lists in pages with a cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.adapters.audit_heads import read_heads
from bot.adapters.report_templates import ReportTemplates
from bot.adapters.shipped import shipped_folder
from bot.domain.errors import NotFound
from bot.domain.events import Disposition
from bot.domain.incidents import IncidentStatus
from bot.domain.minutes import MinuteKind
from bot.domain.report_facts import newest
from bot.flow import people_shapes, shapes, views
from bot.flow.people_views import item_detail
from bot.flow.release_audit import verify_releases
from bot.flow.run_views import run_view
from bot.flow.summing_up import summary_report
from bot.ports import Transaction
from bot.web.head import Head
from bot.web.orders import named

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True)
class Page:
    """Which part of a list: at most `limit` (1 to 200) after the cursor `before`, an id or a name."""

    limit: int = 50
    before: str | None = None

    def cut(self, found: Sequence[T], key: Callable[[T], str], view: Callable[[T], V]) -> dict[str, object]:
        """{"items", "next"} out of up to `limit` + 1 that were found."""
        shown = found[: self.limit]
        more = key(shown[-1]) if len(found) > self.limit else None
        return {"items": [view(one) for one in shown], "next": more}


class Queries:
    """Everything that can be looked at. NotFound where a record does not exist; TryLater without a database."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._reports = ReportTemplates([head.settings.config / "templates", shipped_folder("templates")])

    def incidents(self, page: Page, service: str | None, status: IncidentStatus | None) -> dict[str, object]:
        """Newest first."""
        with self._head.store.read() as tx:
            found = tx.incidents(limit=page.limit + 1, before=page.before, service=service, status=status)
            return page.cut(found, lambda one: one.id, lambda one: views.incident_summary(tx, one))

    def incident(self, incident_id: str) -> shapes.IncidentView:
        """One incident with all that belongs to it."""
        with self._head.store.read() as tx:
            found = tx.incident(named(incident_id, "incident"))
            if found is None:
                raise NotFound(f"No incident {incident_id}", next="the list of incidents shows those there are")
            return views.incident_view(tx, found, self._head.clock.now())

    def item(self, item_id: str) -> people_shapes.ItemDetail:
        """One decision, action item or question, with its history."""
        with self._head.store.read() as tx:
            found = tx.minute(named(item_id, "item"))
            if found is None:
                raise NotFound(f"No item {item_id}", next="each incident shows its own")
            return item_detail(tx, found, self._head.clock.now())

    def summary(self, incident_id: str) -> str:
        """What was decided and promised in an incident, as Markdown."""
        with self._head.store.read() as tx:
            found = tx.incident(named(incident_id, "incident"))
            if found is None:
                raise NotFound(f"No incident {incident_id}", next="the list of incidents shows those there are")
            policy = self._head.configuration.current.policies.get(found.service)
            address = self._head.settings.address
            facts = summary_report(tx, found, policy, address, self._head.clock.now())
        return self._reports.summary(facts)

    def file(self, incident_id: str, digest: str) -> tuple[str, bytes]:
        """Name and content of a file that is attached to this incident."""
        with self._head.store.read() as tx:
            facts = newest(list(tx.facts(named(incident_id, "incident")))).get("files")
            attached = facts.value or [] if facts else []
            name = next((str(one["name"]) for one in attached if one["sha256"] == digest), None)
            file = tx.kept_file(digest) if name is not None else None
        if name is None or file is None:
            raise NotFound("No such file is attached to this incident")
        return name, file.content

    def runs(self, page: Page, service: str | None, incident: str | None) -> dict[str, object]:
        """Newest first."""
        with self._head.store.read() as tx:
            found = tx.runs(limit=page.limit + 1, before=page.before, service=service, incident_id=incident)
            return page.cut(found, lambda one: one.id, lambda one: run_view(tx, one))

    def run(self, run_id: str) -> shapes.RunView:
        """One run."""
        with self._head.store.read() as tx:
            found = tx.run(named(run_id, "run"))
            if found is None:
                raise NotFound(f"No run {run_id}", next="the list of runs shows those there are")
            return run_view(tx, found)

    def events(self, page: Page, disposition: Disposition | None) -> dict[str, object]:
        """Newest first, without bodies."""
        with self._head.store.read() as tx:
            found = tx.events(limit=page.limit + 1, before=page.before, disposition=disposition)
            return page.cut(found, lambda one: one.id, views.event_view)

    def event(self, event_id: str) -> shapes.EventDetail:
        """One event with what came in and what was decided."""
        with self._head.store.read() as tx:
            found = tx.event(named(event_id, "event"))
            if found is None:
                raise NotFound(f"No event {event_id}", next="the list of events shows those there are")
            return views.event_detail(tx, found)

    def services(self, page: Page) -> dict[str, object]:
        """By name: those that have a policy and those that had one."""
        with self._head.store.read() as tx:
            names = sorted({*self._head.configuration.current.policies, *(one.name for one in tx.services())})
            after = [name for name in names if page.before is None or name > page.before]
            return page.cut(after[: page.limit + 1], lambda name: name, lambda name: self._service(tx, name))

    def service(self, name: str) -> shapes.ServiceView:
        """One service."""
        with self._head.store.read() as tx:
            known = named(name, "service")
            if known not in self._head.configuration.current.policies and tx.service(known) is None:
                self._head.configuration.current.policy(known)
            return self._service(tx, known)

    def overdue(self, incidents: Mapping[str, Any]) -> dict[str, int]:
        """How many action items of each unresolved incident of a list are past their time; only where some are."""
        now = self._head.clock.now()
        incident_ids = [one["id"] for one in incidents["items"] if one["status"] != IncidentStatus.RESOLVED]
        with self._head.store.read() as tx:
            late = {
                incident_id: sum(
                    one.kind is MinuteKind.ACTION_ITEM and one.is_overdue(now) for one in tx.minutes(incident_id)
                )
                for incident_id in incident_ids
            }
        return {incident_id: count for incident_id, count in late.items() if count}

    def people(self, service: str) -> dict[str, str]:
        """The names of people that a service's policy knows, by their ids."""
        policy = self._head.configuration.current.policies.get(service)
        return {one: name for name, ids in policy.persons.items() for one in ids} if policy else {}

    def people_of_all(self) -> dict[str, str]:
        """The names of people that any policy knows, by their ids."""
        return {
            one: name
            for service in self._head.configuration.current.policies
            for one, name in self.people(service).items()
        }

    def automation(self) -> shapes.AutomationView:
        """The switch for everything."""
        with self._head.store.read() as tx:
            return views.automation_view(tx.automation())

    def decided(self, event_id: str | None) -> list[shapes.DecisionView]:
        """What was decided about an event; nothing where there is no such event."""
        if event_id is None:
            return []
        with self._head.store.read() as tx:
            return [views.decision_view(one) for one in tx.decisions(event_id=event_id)]

    def audit(self) -> shapes.AuditView:
        """Walk along the whole audit chain, against the heads in the data folder where this process has it, then hold
        the records of releases against it."""
        anchors = read_heads(self._head.settings.data)
        return views.audit_view(self._head.store.verify_audit(anchors) or verify_releases(self._head.store))

    def _service(self, tx: Transaction, name: str) -> shapes.ServiceView:
        policy = self._head.configuration.current.policies.get(name)
        return views.service_view(tx, name, policy, self._head.clock.now())
