"""The page of states and moves, made from the tables in the code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.domain.drills import DRILL_MOVES, DrillEvent, DrillState
from bot.domain.incidents import INCIDENT_MOVES, IncidentEvent, IncidentStatus
from bot.domain.postmortems import POSTMORTEM_MOVES, PostmortemEvent, PostmortemState
from bot.domain.runs import RUN_MOVES, RunEvent, RunStatus

HEAD = """# States and moves

Made from `bot/domain/runs.py`, `incidents.py`, `drills.py`, `walking.py`, `releases.py` and `postmortems.py`; a test
fails when this page and the code differ.
Rows are states, columns are events, cells are the state afterwards; an empty cell is refused and changes nothing.

"""

RUNS = """## Run

A run is queued when it is planned, or waits for its approval. `needs_human` is not an end: it keeps its service and
environment until somebody says `retry`, `done`, `undo`, `take_over` or `cancel`. One run that is not ended per
service and environment, by a unique index. `halt` ends whatever promotes, in every state (the column is for playbooks
of kind `promote`); a rollback goes on, because a halt never interrupts one. After `take_over` the bot stops before its
next step and never touches the run again.

"""

INCIDENTS = """
## Incident

A halt freezes promotion in every state, by the service's own flag, which stays until it is lifted whatever the
incident does; an incident that rolls back goes on saying so. One incident that is not resolved per service and
environment, by a unique index. A lift is `lift_restored` where a rollback of the incident had succeeded: what it
restored is watched again and can be endorsed. Where the policy asks for [a window](policies.md#a-restored-state), an
endorsement is refused until what was restored was good for all of it. An alert after resolution opens a new incident
linked to the old one.

"""

RELEASES = """
## Release

A release is registered when it is started, then walks through the stages of its policy, which are pinned at its start
([releases](releases.md)). `in a stage` stands for each before the one that goes live, `live stage` for that one.
`pass` is the passing of every gate of a stage, and of its playbook. A halt wins in every state and keeps where the
release was; a lift gives that back, and moves nothing. `restored` is a rollback that succeeded. `replaced` is another
release that is started. Without stages a release stays registered: nothing is promoted.

"""

DRILLS = """
## Drill

A drill is planned for a slot of its schedule, or asked for, and begins to inject where nothing is in its way
([what it does](drills.md#what-a-drill-does)). From every state in which it runs the way leads through `cleaning`,
where what was injected is taken back: only then it has its end, by the verdict that was known before. One that runs
per service and environment, by a unique index.

"""

POSTMORTEMS = """
## Postmortem

Asked for when an incident is resolved, as far as the policy wants one for its severity ([postmortems](postmortems.md)).
`due` is the draft of the record with nobody's words in it. `sign` is the signature of one of several roles, `sign_off`
that of the last. What is reviewed is changed only after it was reopened; whatever changes its words makes the
signatures void.

"""

OTHERS = """
## Service, notice, event, approval

| of | states and moves |
|---|---|
| service | normal, halted (until lifted), rolling_back (a rollback is at it), monitoring (restored, being watched); besides: hands_off until a time, observe |
| notice | due → sent; due → failed → sent or dead after 8 tries; superseded when the facts changed before it left |
| event | accepted, duplicate, ignored, dead_letter → replayed once, as a new event |
| approval | asked → approved, rejected or withdrawn; asked → expired → approved or rejected while the run keeps waiting |
| call (a level of an escalation) | due → told → acknowledged; over once its question is answered or its run has moved |
| step | pending → started (the intent) → done, failed, unknown, or waiting → started; checking after a person said done; skipped when its run is undone |
"""  # noqa: E501 - rows of a Markdown table


def page() -> str:
    """The whole page as Markdown."""
    runs = _table(RunStatus, RunEvent, RUN_MOVES)
    incidents = _table(IncidentStatus, IncidentEvent, INCIDENT_MOVES)
    drills = _table(DrillState, DrillEvent, DRILL_MOVES)
    accounts = _table(PostmortemState, PostmortemEvent, POSTMORTEM_MOVES)
    told = HEAD + RUNS + runs + INCIDENTS + incidents + RELEASES + _release_table()
    return told + DRILLS + drills + POSTMORTEMS + accounts + OTHERS


REGISTERED, EARLY, LIVE_STAGE, LIVE, WATCHED, ENDORSED = (
    "registered", "in a stage", "live stage", "live", "watched", "endorsed",
)  # fmt: skip
HALTED, ROLLED_BACK, ABANDONED = "halted", "rolled_back", "abandoned"
RELEASE_STATES = (
    REGISTERED, EARLY, LIVE_STAGE, LIVE, WATCHED, ENDORSED, HALTED, ROLLED_BACK, ABANDONED,
)  # fmt: skip
RELEASE_EVENTS = ("pass", "halt", "lift", "restored", "abandon", "replaced", "endorse")
_ON_ITS_WAY = (REGISTERED, EARLY, LIVE_STAGE, LIVE, WATCHED, ENDORSED)
_NOT_LIVE = (REGISTERED, EARLY, LIVE_STAGE)

RELEASE_MOVES: Mapping[tuple[str, str], str] = {
    (EARLY, "pass"): "the next stage",
    (LIVE_STAGE, "pass"): LIVE,
    (LIVE, "pass"): WATCHED,
    **{(one, "halt"): HALTED for one in (*_ON_ITS_WAY, HALTED)},
    (HALTED, "lift"): "as before the halt",
    **{(one, "restored"): ROLLED_BACK for one in (*_ON_ITS_WAY, HALTED)},
    **{(one, "abandon"): ABANDONED for one in _NOT_LIVE},
    (HALTED, "abandon"): "abandoned, where it was not live",
    **{(one, "replaced"): ABANDONED for one in _NOT_LIVE},
    (WATCHED, "endorse"): ENDORSED,
    (LIVE, "endorse"): "endorsed, where no stage follows",
}
"""What the rules in the code come to; tests hold each cell against them."""


def _release_table() -> str:
    lines = [f"| | {' | '.join(RELEASE_EVENTS)} |", f"|---|{'---|' * len(RELEASE_EVENTS)}"]
    for state in RELEASE_STATES:
        cells = [RELEASE_MOVES.get((state, event), "") for event in RELEASE_EVENTS]
        lines.append(f"| **{state}** | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _table(states: type[StrEnum], events: type[StrEnum], moves: Mapping[tuple[StrEnum, StrEnum], StrEnum]) -> str:
    lines = [f"| | {' | '.join(events)} |", f"|---|{'---|' * len(events)}"]
    for state in states:
        cells = [str(moves.get((state, event), "")) for event in events]
        lines.append(f"| **{state}** | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
