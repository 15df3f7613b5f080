"""The closed list of jobs: what a worker may be asked to do, each with one id, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from bot.domain.errors import ConfigError
from bot.ports import JobName, Lane


class Runner(Protocol):
    """Moves runs."""

    def advance(self, run_id: str) -> None:
        """Start or resume the run, as far as it goes now; the two are the same call, and it may come twice."""
        ...


class Notices(Protocol):
    """Sends notices."""

    def send(self, notice_id: str) -> None:
        """Send the notice if it is still due; it may come twice."""
        ...


class Judge(Protocol):
    """Looks at the gates of releases."""

    def judge(self, release_id: str) -> object:
        """Judge the present stage of a release and go on, halt or wait; it may come twice."""
        ...


class DueWork(Protocol):
    """Knows what is due."""

    def tell(self) -> None:
        """Ring for the notices and the drills that are due now."""
        ...


class Folder(Protocol):
    """Compares candidates with incumbents."""

    def fold(self, release_id: str) -> None:
        """Fold the observations of a release that wait; it may come twice."""
        ...


class Drilling(Protocol):
    """Carries out drills."""

    def advance(self, drill_id: str) -> None:
        """Start the drill or go on with it, as far as it goes now; it may come twice."""
        ...


class HasJobs(Protocol):
    """What the jobs need of the program."""

    @property
    def runner(self) -> Runner: ...
    @property
    def notices(self) -> Notices: ...
    @property
    def due(self) -> DueWork: ...
    @property
    def judge(self) -> Judge: ...
    @property
    def folder(self) -> Folder: ...
    @property
    def drilling(self) -> Drilling: ...


_bound: list[HasJobs] = []

_NEEDS: Mapping[Lane, Callable[[HasJobs], object]] = {
    Lane.ROLLBACKS: lambda app: (app.runner, app.due),
    Lane.NOTICES: lambda app: app.notices,
    Lane.OTHER: lambda app: (app.runner, app.due, app.judge, app.folder, app.drilling),
}
"""The parts that the jobs of a lane use."""


def bind(app: HasJobs, lane: Lane) -> None:
    """The program whose jobs this process does; a worker binds once, before it listens. The parts that its lane needs
    are wired now, so that the first job is as soon as any other."""
    _NEEDS[lane](app)
    _bound[:] = [app]


def advance_run(run_id: str) -> None:
    """Start or resume a run, and have people told at once of what came of it."""
    _app().runner.advance(run_id)
    _app().due.tell()


def send_notice(notice_id: str) -> None:
    """Send a notice."""
    _app().notices.send(notice_id)


def judge_release(release_id: str) -> None:
    """Look at the gates of a release."""
    _app().judge.judge(release_id)
    _app().due.tell()


def fold_canary(release_id: str) -> None:
    """Fold the observations of a release."""
    _app().folder.fold(release_id)


def advance_drill(drill_id: str) -> None:
    """Start or go on with a drill, and have people told at once of what came of it."""
    _app().drilling.advance(drill_id)
    _app().due.tell()


CALLS: Mapping[JobName, Callable[[str], None]] = {
    JobName.ADVANCE_RUN: advance_run,
    JobName.SEND_NOTICE: send_notice,
    JobName.JUDGE_RELEASE: judge_release,
    JobName.FOLD_CANARY: fold_canary,
    JobName.ADVANCE_DRILL: advance_drill,
}
"""What each name of a job calls."""


def _app() -> HasJobs:
    if not _bound:
        raise ConfigError("No program is bound to the jobs", next="start workers with `andon worker`")
    return _bound[0]
