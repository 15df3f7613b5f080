"""Events, what is remembered of alerts, and decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, null, select

from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.stored_text import clean_key
from bot.adapters.sql.tables import DEAD_LETTER, alert_states, decisions, events
from bot.adapters.sql.work import Work, in_parts
from bot.domain.decisions import Decision
from bot.domain.events import AlertState, Disposition, Event

_EVENT = columns_of(events, Event)
_WITHOUT_BODY = [null().label("body") if column.name == "body" else column for column in _EVENT]
_STATE = columns_of(alert_states, AlertState)

_EVENT_BY_ID = select(*_EVENT).where(events.c.id == bindparam("id"))
_EVENTS_BY_KEY = select(*_EVENT).where(
    events.c.source == bindparam("source"), events.c.dedup_key.in_(bindparam("keys", expanding=True))
)
# One source at a time: SQLite reads the whole table where pairs are looked up in a list.
_STATES = select(*_STATE).where(
    alert_states.c.source == bindparam("source"), alert_states.c.identity.in_(bindparam("keys", expanding=True))
)
_DECISIONS = select(*columns_of(decisions, Decision)).order_by(decisions.c.number)


class EventQueries(Work):
    """What came in and what was answered."""

    def event(self, event_id: str) -> Event | None:
        """One event with its body."""
        row = self.row(_EVENT_BY_ID, {"id": event_id})
        return Event(*row) if row else None

    def events_by_key(self, source: str, keys: Collection[str]) -> Mapping[str, Event]:
        """Events of a source by their `dedup_key`, as it was asked for."""
        return {key: event for (_, key), event in self._ask_events([(source, key) for key in keys])().items()}

    def _ask_events(self, keys: Collection[tuple[str, str]]) -> Callable[[], dict[tuple[str, str], Event]]:
        answers = [
            (source, names, self.ask(_EVENTS_BY_KEY, {"source": source, "keys": part}))
            for source, names in _by_source(keys).items()
            for part in in_parts(names.values())
        ]
        return lambda: {
            (source, names[event.dedup_key]): event
            for source, names, answer in answers
            for event in (Event(*row) for row in answer())
        }

    def events(
        self, *, limit: int, before: str | None = None, disposition: Disposition | None = None
    ) -> Sequence[Event]:
        """Newest first, without bodies."""
        statement = select(*_WITHOUT_BODY).order_by(events.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(events.c.id < before)
        if disposition is Disposition.DEAD_LETTER:
            statement = statement.where(DEAD_LETTER)
        elif disposition is not None:
            statement = statement.where(events.c.disposition == disposition)
        return [Event(*row) for row in self.rows(statement)]

    def alert_states(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], AlertState]:
        """By (source, identity), as they were asked for; absent where never seen."""
        return self._ask_states(keys)()

    def _ask_states(self, keys: Collection[tuple[str, str]]) -> Callable[[], dict[tuple[str, str], AlertState]]:
        answers = [
            (source, names, self.ask(_STATES, {"source": source, "keys": part}))
            for source, names in _by_source(keys).items()
            for part in in_parts(names.values())
        ]
        return lambda: {
            (source, names[state.identity]): _as_asked(state, names[state.identity])
            for source, names, answer in answers
            for state in (AlertState(*row) for row in answer())
        }

    def decisions(self, *, incident_id: str | None = None, event_id: str | None = None) -> Sequence[Decision]:
        """Oldest first."""
        statement = _DECISIONS
        if incident_id is not None:
            statement = statement.where(decisions.c.incident_id == incident_id)
        if event_id is not None:
            statement = statement.where(decisions.c.event_id == event_id)
        return [Decision(*row) for row in self.rows(statement)]


def _by_source(keys: Collection[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """What was asked for by what is stored, for each source."""
    asked: dict[str, dict[str, str]] = {}
    for source, key in keys:
        asked.setdefault(source, {})[clean_key(key)] = key
    return asked


def _as_asked(state: AlertState, identity: str) -> AlertState:
    return state if state.identity == identity else replace(state, identity=identity)
