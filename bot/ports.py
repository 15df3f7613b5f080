"""What the head asks of the outside: store, queue, HTTP, processes, templates, secrets, clock, ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from bot.transactions import Change as Change
from bot.transactions import Figures as Figures
from bot.transactions import Place as Place
from bot.transactions import Record as Record
from bot.transactions import Spread as Spread
from bot.transactions import Standing as Standing
from bot.transactions import Transaction as Transaction

if TYPE_CHECKING:
    from bot.domain.audit_trail import AuditReport
    from bot.domain.keeping import Pruned, Retention
    from bot.domain.letters import Letter, Posted
    from bot.domain.measures import Scope, Tally
    from bot.domain.pages import Page, PageReceipt, PageStanding
    from bot.domain.people import Profile
    from bot.domain.records import AuditFault, Notice
    from bot.domain.threads import Thread
    from bot.plugins import Call, ProcessResult, Reply


class Store(Protocol):
    """The truth: SQLite or PostgreSQL."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that may write. TryLater where the database is away; nothing is kept then."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view; nothing may be added or saved."""
        ...

    def tallies(self, scope: Scope) -> Sequence[Tally]:
        """All facts that the process is measured by, as of one moment; see `MeasureRecords.tallies`."""
        ...

    def seal(self) -> tuple[int, str] | None:
        """Chain the audit rows that are not chained yet and sign the new head (position, hash); None if none were.
        Refused where the chain does not end where it was signed last."""
        ...

    def verify_audit(self, heads: Sequence[tuple[int, str]] = ()) -> AuditFault | None:
        """Walk the chain; `heads` are anchors kept elsewhere. None where every row verifies."""
        ...

    def audit_report(self, heads: Sequence[tuple[int, str]] = ()) -> AuditReport:
        """The same, with what was walked over."""
        ...

    def prune(self, retention: Retention, at: datetime, *, dry: bool) -> Pruned:
        """Remove some of each kind that is past its time and not held; `is_all` where nothing more is. `dry` shows
        how much the first turn would remove."""
        ...

    def now(self) -> datetime:
        """The database's clock."""
        ...


class Lane(StrEnum):
    """The queues; one worker process serves one of them."""

    ROLLBACKS = "rollbacks"
    NOTICES = "notices"
    OTHER = "other"


class JobName(StrEnum):
    """The closed list of what a job may call."""

    ADVANCE_RUN = "advance_run"
    SEND_NOTICE = "send_notice"
    JUDGE_RELEASE = "judge_release"
    FOLD_CANARY = "fold_canary"
    ADVANCE_DRILL = "advance_drill"


@dataclass(frozen=True)
class Bell:
    """One ring: which job, for which id, in which lane."""

    job: JobName
    id: str
    lane: Lane


class ReadyRing(Protocol):
    """A ring that is made and not sent: it is sent once, or dropped."""

    def send(self) -> Callable[[], bool]:
        """Let it go, without waiting for anything. What is returned is called once: it waits for the answer, and says
        and does what `Queue.ring` does. Never raises."""
        ...

    def drop(self) -> None:
        """Let it be."""
        ...


class Queue(Protocol):
    """The doorbell. Losing a ring costs seconds, never work."""

    def ready(self, bells: Sequence[Bell]) -> ReadyRing:
        """Do everything of `ring` but the sending, while there is time. Never raises."""
        ...

    def ring(self, bells: Sequence[Bell]) -> bool:
        """Ring in bounded time; False where the queue is away. Never raises."""
        ...

    def ping(self) -> bool:
        """Whether the queue answers."""
        ...


class Http(Protocol):
    """Outgoing HTTP for the whole house."""

    def request(self, call: Call, *, allow_hosts: Collection[str], bar_hosts: Collection[str] = ()) -> Reply:
        """Refused where the host is not allowed, or is barred whatever allows it; otherwise a reply, with or without
        an answer."""
        ...

    def warm(self) -> None:
        """Make ready what the first call would otherwise wait for."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class Processes(Protocol):
    """Reviewed scripts."""

    def run_script(
        self,
        name: str,
        args: Sequence[str],
        *,
        timeout: timedelta,
        env: Mapping[str, str],
        bar_hosts: Collection[str] = (),
    ) -> ProcessResult:
        """Run it and wait. Refused where one of `bar_hosts` is handed to it: what it calls itself nobody can see."""
        ...


class ReviewedFiles(Protocol):
    """Files of the configuration besides policies and playbooks: scripts, suites of inputs, references."""

    def read(self, folder: str, name: str) -> bytes:
        """The content of `folder/name`. Refused where there is no such file, or its name is none."""
        ...


class Expressions(Protocol):
    """Fills templates in playbook values and compiles conditions; sandboxed, undefined names are errors."""

    def fill(self, value: Any, facts: Mapping[str, Any], *, secrets: bool) -> Any:
        """The value with every template in it evaluated; one that is a single expression keeps its type.
        With `secrets` off, `secret(name)` gives `***`. StepFailed where a name is unknown."""
        ...


class Renderer(Protocol):
    """Words for notices."""

    def write(self, notice: Notice) -> Letter:
        """The notice in its audience's words. StepFailed where the template breaks its limits or names."""
        ...


class Messenger(Protocol):
    """Hands letters to one medium. TryLater for a passing fault, StepFailed for a permanent one."""

    def send(self, notice: Notice, letter: Letter, thread: Thread | None) -> Posted:
        """Put the letter where `notice.address` says, in the thread if there is one; where it stands now."""
        ...

    def edit(self, notice: Notice, letter: Letter) -> Posted:
        """Tell anew, in place, what stands at `notice.ref`. StepFailed where the medium cannot, as mail cannot."""
        ...

    def find(self, notice: Notice, thread: Thread | None) -> Posted | None:
        """Whether a try whose end nobody recorded has gone through: where it stands; None where it surely did not,
        or where sending it once more does no harm."""
        ...


class Pager(Protocol):
    """A service that wakes whoever is on duty. TryLater for a passing fault, StepFailed for a permanent one."""

    name: ClassVar[str]

    def page(self, page: Page) -> PageReceipt:
        """Hand it over. The same `dedup_key` again changes nothing, so after a doubt it is simply sent again."""
        ...

    def state(self, dedup_key: str, *, ref: str = "") -> PageStanding:
        """Where it stands and who answered; unknown where that cannot be told. `ref` is the receipt's."""
        ...

    def resolve(self, dedup_key: str) -> None:
        """Nobody needs to come any more. Changes nothing where the page is not open."""
        ...


class People(Protocol):
    """Who is behind an id in chat. None where it is not said in time: who is not known has no rights."""

    def person(self, user_id: str) -> Profile | None:
        """The profile of an account."""
        ...

    def by_email(self, email: str) -> Profile | None:
        """The account with this mail address."""
        ...

    def members(self, group_id: str) -> frozenset[str] | None:
        """The ids of the people in a user group."""
        ...

    def team(self) -> str | None:
        """The id of the own workspace."""
        ...


class Once(Protocol):
    """Remembers for a while what has been, so that it is not taken twice. Never raises."""

    def first(self, key: str, keep: timedelta) -> bool:
        """Whether this key is new within `keep`; from now on it is not."""
        ...

    def forget(self, key: str) -> None:
        """As if it had never been."""
        ...


class Secrets(Protocol):
    """Secrets by name."""

    def get(self, name: str) -> str:
        """ConfigError where there is none of that name."""
        ...

    def redact(self, text: str) -> str:
        """The text with every known secret replaced by `***`."""
        ...


class Clock(Protocol):
    """Time, handed in so that tests can pass another."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; they go on while this process is stopped by a signal."""
        ...


class Schedules(Protocol):
    """When the slots of a schedule come round."""

    def slots(self, cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
        """Those after a moment: aware UTC, ascending, each once. BadInput where the line means nothing."""
        ...


class Chance(Protocol):
    """A choice that nobody can foresee, handed in so that tests can pass another."""

    def pick(self, count: int) -> int:
        """A number from 0 to `count` - 1; each is as likely as the others."""
        ...


class Log(Protocol):
    """One line of the log: a short constant message with fields. Never a secret, never a whole payload."""

    def __call__(self, message: str, /, **fields: Any) -> None: ...


class Ids(Protocol):
    def new(self, kind: str) -> str:
        """A sortable id such as `run-01j…`: letters, digits and `-` only."""
        ...
