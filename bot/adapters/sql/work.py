"""One unit of work on one connection: what adds, saves and reads go through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, Update

from bot.adapters.sql.pending import Pending
from bot.adapters.sql.run_tables import run_plans, run_steps, runs
from bot.adapters.sql.sessions import Answer, Session
from bot.adapters.sql.statements import TABLE_OF, Statements
from bot.adapters.sql.stored_text import place_key
from bot.domain.incidents import Incident
from bot.domain.releases import Automation
from bot.domain.runs import Run
from bot.domain.step_states import StepState
from bot.ports import Change, Record

T = TypeVar("T")

MOST_KEYS = 5_000
"""Keys in one statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""


class Work:
    """Root of the transaction. Reads see what was added before them, because everything held back is written first."""

    def __init__(self, session: Session, statements: Statements, *, writes: bool, met: set[str] | None = None) -> None:
        self.session = session
        self.statements = statements
        self.writes = writes
        self.met = set[str]() if met is None else met
        """Services that surely have a row, also after this transaction came to nothing."""
        self.meets = set[str]()
        """Services that have one once this transaction is committed."""
        self._pending = Pending()

    def add(self, *records: Record) -> None:
        """Hold records back until the next read or the end."""
        self.must_write()
        for record in records:
            if isinstance(record, Run):
                self._add_run(record)
            else:
                table = TABLE_OF[type(record)]
                self._pending.put(table, self.statements.adds[table], _row(record))

    def save(self, *changes: Change) -> None:
        """Hold changes back until the next read or the end."""
        self.must_write()
        for change in changes:
            kind = type(change)
            self._pending.put(TABLE_OF[kind], self.statements.saves[kind], _row(change))

    def save_step(self, row: Mapping[str, Any]) -> None:
        """Hold a step of a run back until the next read or the end."""
        self._pending.put(run_steps, self.statements.save_step, row)

    def flush(self) -> None:
        """Write everything that was held back."""
        self._pending.flush(self.session)

    def must_write(self) -> None:
        """RuntimeError in a view: that is a mistake in the program."""
        if not self.writes:
            raise RuntimeError("a consistent view writes nothing: use Store.write()")

    def ask(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Answer:
        """Have a statement carried out now and take its rows later: what is asked in a row travels together."""
        self._pending.flush(self.session)
        return self.session.ask(statement, values)

    def rows(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """All rows of a statement."""
        return self.ask(statement, values)()

    def row(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Any:
        """The first row of a statement, None if there is none."""
        return next(iter(self.rows(statement, values)), None)

    def write(self, statement: Executable, *rows: Mapping[str, Any]) -> None:
        """Carry out a writing statement for each row, after what was held back."""
        self.must_write()
        self._pending.flush(self.session)
        self.session.write(statement, rows)

    def must(self, statement: Update, values: Mapping[str, Any], problem: Exception) -> None:
        """Change a row. Where there is none to change, the problem is raised: now, or at the commit at the latest."""
        self.must_write()
        if self._pending.holds(statement.table):  # what waits for other tables can go together with what still comes
            self._pending.flush(self.session)
        self.session.must(statement, values, problem)

    def count(self, statement: Executable, *rows: Mapping[str, Any]) -> int:
        """How many rows a writing statement changed."""
        self.must_write()
        self._pending.flush(self.session)
        return self.session.count(statement, rows)

    def _add_run(self, run: Run) -> None:
        values = vars(run)
        row = {name: value for name, value in values.items() if name not in ("playbook", "facts", "steps")}
        plan = {"run_id": run.id, "playbook": run.playbook.plain, "facts": run.facts}
        adds = self.statements.adds
        self._pending.put(runs, adds[runs], {**row, "playbook_name": run.playbook.name})
        self._pending.put(run_plans, adds[run_plans], plan)
        for position, step in enumerate(run.steps):
            self._pending.put(run_steps, adds[run_steps], step_row(run.id, position, step))


def step_row(run_id: str, position: int, step: StepState) -> dict[str, Any]:
    """One step of a run as a row."""
    return {"run_id": run_id, "position": position, **vars(step)}


def _row(record: Record | Change) -> Mapping[str, Any]:
    if isinstance(record, Incident):
        return {**vars(record), "place": place_key(record.service, record.environment)}
    if isinstance(record, Automation):
        return {**vars(record), "id": 1}
    return vars(record)


def in_parts(keys: Iterable[T]) -> Iterator[list[T]]:
    """The keys without repeats, in parts that fit into one statement; one part for all that is usual."""
    rest = list(dict.fromkeys(keys))
    for start in range(0, len(rest), MOST_KEYS):
        yield rest[start : start + MOST_KEYS]
