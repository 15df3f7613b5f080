"""Postmortems, with what was written into them, said of them and signed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, bindparam, select

from bot.adapters.sql.database_clock import now
from bot.adapters.sql.postmortem_tables import (
    POSTMORTEM_REMINDED,
    comments,
    lessons,
    postmortems,
    section_texts,
    sign_offs,
)
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.work import Work
from bot.domain.postmortems import Lesson, Postmortem, PostmortemComment, PostmortemState, SectionText, SignOff

_POSTMORTEM = columns_of(postmortems, Postmortem)
_INCIDENT: BindParameter[str] = bindparam("incident_id")

_BY_INCIDENT = select(*_POSTMORTEM).where(postmortems.c.incident_id == _INCIDENT)
_DUE = (
    select(*_POSTMORTEM)
    .where(POSTMORTEM_REMINDED, postmortems.c.remind_at <= now())
    .order_by(postmortems.c.remind_at, postmortems.c.incident_id)
)
_TEXTS = (
    select(*columns_of(section_texts, SectionText))
    .where(section_texts.c.incident_id == _INCIDENT)
    .order_by(section_texts.c.number)
)
_COMMENTS = (
    select(*columns_of(comments, PostmortemComment))
    .where(comments.c.incident_id == _INCIDENT)
    .order_by(comments.c.number)
)
_LESSONS = select(*columns_of(lessons, Lesson)).where(lessons.c.incident_id == _INCIDENT).order_by(lessons.c.id)
_SIGN_OFFS = (
    select(*columns_of(sign_offs, SignOff)).where(sign_offs.c.incident_id == _INCIDENT).order_by(sign_offs.c.number)
)


class PostmortemQueries(Work):
    """What is known of accounts of incidents."""

    def postmortem(self, incident_id: str) -> Postmortem | None:
        """Of this incident; None where none was begun and none is due."""
        row = self.row(_BY_INCIDENT, {"incident_id": incident_id})
        return Postmortem(*row) if row else None

    def postmortems(
        self, *, limit: int, before: str | None = None, service: str | None = None, state: PostmortemState | None = None
    ) -> Sequence[Postmortem]:
        """Newest incident first."""
        statement = select(*_POSTMORTEM).order_by(postmortems.c.incident_id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(postmortems.c.incident_id < before)
        if service is not None:
            statement = statement.where(postmortems.c.service == service)
        if state is not None:
            statement = statement.where(postmortems.c.state == state)
        return [Postmortem(*row) for row in self.rows(statement)]

    def due_postmortems(self) -> Sequence[Postmortem]:
        """Those of which somebody is to be reminded now, by the database's clock."""
        return [Postmortem(*row) for row in self.rows(_DUE)]

    def section_texts(self, incident_id: str) -> Sequence[SectionText]:
        """Oldest first, those that later ones replaced included."""
        return [SectionText(*row) for row in self.rows(_TEXTS, {"incident_id": incident_id})]

    def postmortem_comments(self, incident_id: str) -> Sequence[PostmortemComment]:
        """Oldest first."""
        return [PostmortemComment(*row) for row in self.rows(_COMMENTS, {"incident_id": incident_id})]

    def lessons(self, incident_id: str) -> Sequence[Lesson]:
        """Oldest first, those that were withdrawn included."""
        return [Lesson(*row) for row in self.rows(_LESSONS, {"incident_id": incident_id})]

    def sign_offs(self, incident_id: str) -> Sequence[SignOff]:
        """Oldest first, those for earlier words included."""
        return [SignOff(*row) for row in self.rows(_SIGN_OFFS, {"incident_id": incident_id})]
