"""Signs of life of Andon's own parts, and what is well only while they keep coming. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Part(StrEnum):
    """Whose sign of life it is."""

    SWEEP = "sweep"
    """A clock went through everything that is due, to the end."""
    ROLLBACKS = "worker:rollbacks"
    NOTICES = "worker:notices"
    OTHER = "worker:other"
    HEARTBEAT = "heartbeat"
    """All of the others were found well."""
    WATCHDOG = "watchdog"
    """Alertmanager's Watchdog alert came in."""
    RUNBOOKS = "runbooks"
    """The runbooks in the folder are those of the policies in force."""
    TOKENS = "tokens"
    """Whose API tokens there are was looked at."""


WORKERS = (Part.ROLLBACKS, Part.NOTICES, Part.OTHER)

BEAT_EVERY = timedelta(seconds=10)
"""How often a process says that it lives."""
SILENT_AFTER = timedelta(seconds=60)
"""A part that said nothing for this long is not well: six beats, or a database that was away for as long."""


@dataclass(frozen=True)
class Pulse:
    """The newest sign of life of one part, of whichever process gave it last."""

    part: str
    at: datetime | None
    by: str = ""
    """The process; for tokens, the digest of what was found."""
    due_at: datetime | None = None
    """When somebody is to look again; of several who come at once, one gets it."""
    problem: str = ""
    told_at: datetime | None = None
    """When people heard of the silence that goes on now."""


def ailments(pulses: Mapping[str, Pulse], now: datetime) -> list[str]:
    """Why the house is not well; empty where it is. The database was reached, since these came out of it.

    A sign of life from the future says nothing of now: whoever gave it may be dead until that time has come."""
    found = []
    for part in (Part.SWEEP, *WORKERS):
        pulse = pulses.get(part)
        what = "the sweep of a clock" if part is Part.SWEEP else f"a worker of {part.removeprefix('worker:')}"
        if pulse is None or pulse.at is None:
            found.append(f"{what} was never seen")
        elif now - pulse.at > SILENT_AFTER:
            found.append(f"{what} was last seen {round((now - pulse.at).total_seconds())} s ago")
        elif pulse.at - now > SILENT_AFTER:
            ahead = round((pulse.at - now).total_seconds())
            found.append(f"{what} was last seen {ahead} s in the future: the clocks of the hosts differ")
    return found


def is_silent(pulse: Pulse | None, within: timedelta, now: datetime) -> bool:
    """Whether what should keep coming has not come for longer than it may."""
    return pulse is not None and pulse.at is not None and now - pulse.at > within
