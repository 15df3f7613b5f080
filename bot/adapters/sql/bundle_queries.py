"""What a bundle is made of: every record about one subject, page by page, and the rows of the audit trail about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import bindparam, func, select, type_coerce
from sqlalchemy.types import Text

from bot.adapters.sql.audit_tables import audit_heads
from bot.adapters.sql.release_tables import observation_batches
from bot.adapters.sql.run_tables import runs
from bot.adapters.sql.statements import TABLE_OF, columns_of
from bot.adapters.sql.tables import audit, audit_seals, events
from bot.adapters.sql.work import Work, in_parts
from bot.domain.audit_trail import SignedHead
from bot.domain.bundles import AuditRow, Batch, Seal
from bot.domain.events import Event
from bot.ports import Place

R = TypeVar("R")

_PAGE = 1_000
_FEW = 100
"""So many requests are in memory at a time: each may have a quarter of a megabyte."""
_EVENTS = (
    select(*columns_of(events, Event)).where(events.c.id.in_(bindparam("ids", expanding=True))).order_by(events.c.id)
)
_IDS_OF_AUDIT = select(audit.c.id).where(audit.c.subject.in_(bindparam("subjects", expanding=True)))
_AUDIT = (
    select(
        audit.c.id,
        audit.c.at,
        audit.c.actor,
        audit.c.action,
        audit.c.subject,
        type_coerce(audit.c.data, Text).label("data"),
        audit_seals.c.position,
        audit_seals.c.hash,
        audit_seals.c.previous,
        audit_seals.c.row_digest,
        audit.c.erased,
    )
    .select_from(audit.outerjoin(audit_seals, audit_seals.c.audit_id == audit.c.id))
    .where(audit.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(audit.c.id)
)
_HEAD_FROM = (
    select(*columns_of(audit_heads, SignedHead))
    .where(audit_heads.c.position >= bindparam("start"))
    .order_by(audit_heads.c.position)
    .limit(1)
)
_LINKS = (
    select(*columns_of(audit_seals, Seal))
    .where(audit_seals.c.position.between(bindparam("start"), bindparam("end")))
    .order_by(audit_seals.c.position)
)
_BATCHES = (
    select(
        observation_batches.c.id,
        observation_batches.c.received_at,
        observation_batches.c.media,
        observation_batches.c.encoding,
        observation_batches.c.sha256,
        func.length(observation_batches.c.content),
    )
    .where(observation_batches.c.release_id == bindparam("release_id"))
    .order_by(observation_batches.c.number)
)
_ACTED_BEFORE = (
    select(runs.c.first_action_at)
    .where(
        runs.c.service == bindparam("service"),
        runs.c.environment == bindparam("environment"),
        runs.c.first_action_at < bindparam("at", type_=runs.c.first_action_at.type),
        runs.c.authority == "automatic",
        runs.c.criterion.is_not(None),  # promotions and the playbook of a halt have none
        runs.c.drill.is_(False),
    )
    .order_by(runs.c.first_action_at.desc())
    .limit(1)
)


class BundleQueries(Work):
    """Reads for bundles. Nothing here is read for anything that is in a hurry."""

    def all_of(self, kind: type[R], field: str, value: str) -> Iterator[R]:
        """Every record of this kind whose field has this value, oldest first; a page of them is in memory at a time."""
        table = TABLE_OF[kind]
        keys = [table.c.number] if "number" in table.c else list(table.primary_key.columns)
        statement = select(keys[0], *columns_of(table, kind)).where(table.c[field] == value).order_by(*keys)
        if len(keys) > 1:  # these are few
            yield from (kind(*row[1:]) for row in self.rows(statement))
            return
        page = self.rows(statement.limit(_PAGE))
        while page:
            yield from (kind(*row[1:]) for row in page)
            page = self.rows(statement.where(keys[0] > page[-1][0]).limit(_PAGE)) if len(page) == _PAGE else ()

    def events_with_bodies(self, ids: Sequence[str]) -> Iterator[Event]:
        """These events, by id, as they came in."""
        for start in range(0, len(ids), _FEW):
            yield from (Event(*row) for row in self.rows(_EVENTS, {"ids": ids[start : start + _FEW]}))

    def run_ids_of(self, field: str, value: str) -> Sequence[str]:
        """Ids of the runs of an incident (`incident_id`) or a release (`release_id`), oldest first."""
        return [row[0] for row in self.rows(select(runs.c.id).where(runs.c[field] == value).order_by(runs.c.id))]

    def acted_before(self, place: Place, at: datetime) -> datetime | None:
        """The newest first action of an automatic rollback at this place that began before a moment."""
        found = self.row(_ACTED_BEFORE, {"service": place[0], "environment": place[1], "at": at})
        return found[0] if found else None

    def observed(self, release_id: str) -> Iterator[Batch]:
        """The batches of observations that came in for a release, without their contents."""
        return (Batch(*row) for row in self.rows(_BATCHES, {"release_id": release_id}))

    def chain_to_head(self, position: int) -> tuple[SignedHead, Iterator[Seal]] | None:
        """The first signed head at or behind a position, and the links from there to it; None where there is none."""
        row = self.row(_HEAD_FROM, {"start": position})
        return (SignedHead(*row), self._links(position, row.position)) if row else None

    def _links(self, start: int, end: int) -> Iterator[Seal]:
        for first in range(start, end + 1, _PAGE):
            last = min(first + _PAGE - 1, end)
            yield from (Seal(*row) for row in self.rows(_LINKS, {"start": first, "end": last}))

    def audit_about(self, subjects: Collection[str]) -> Iterator[AuditRow]:
        """Rows of the audit trail about these subjects, in the order of their numbers. The whole trail is looked
        through once for each five thousand subjects."""
        ids = sorted({row[0] for part in in_parts(subjects) for row in self.rows(_IDS_OF_AUDIT, {"subjects": part})})
        for start in range(0, len(ids), _PAGE):
            for row in self.rows(_AUDIT, {"ids": ids[start : start + _PAGE]}):
                seal = Seal(*row[6:10]) if row.position is not None else None
                yield AuditRow(row.id, row.at, row.actor, row.action, row.subject, row.data, seal, row.erased)
