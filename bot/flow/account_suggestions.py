"""Lessons that the record suggests by rule, for people to take or to leave; some with the change that would follow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from bot.domain.decisions import Verdict
from bot.domain.drills import DrillState
from bot.domain.records import NoticeStatus
from bot.domain.times import format_duration
from bot.domain.ways import PERSON
from bot.flow.account import Account

_HAS_DRILLS = re.compile(r"^drills\s*:", re.MULTILINE)
_HAS_STAGING = re.compile(r"^  staging\s*:", re.MULTILINE)
_WEEKLY = "0 10 * * 2"
"""Tuesdays at ten: people are there, and the week is still long."""


@dataclass(frozen=True)
class Suggestion:
    """What could be learned, the records that suggest it, and a unified diff of the policy where one is obvious."""

    text: str
    evidence: tuple[str, ...]
    diff: str = ""


def suggestions_of(account: Account) -> list[Suggestion]:
    """All of them, in one order."""
    return [one for rule in _RULES for one in rule(account)]


def _rehearse(account: Account) -> Iterator[Suggestion]:
    """A way back that was used and never rehearsed with success."""
    for name in sorted({run.playbook.name for run in account.rollbacks}):
        if any(one.playbook == name and one.state is DrillState.PASSED for one in account.drills):
            continue
        runs = tuple(f"run {run.id}" for run in account.rollbacks if run.playbook.name == name)
        yield Suggestion(f"Rehearse the way back: let {name} run every week in staging", runs, _drill(account, name))


def _drill(account: Account, playbook: str) -> str:
    """The policy that decided, with a drill at its end; nothing where it has drills already, or no staging."""
    before = account.policy_text
    if not before or _HAS_DRILLS.search(before) or not _HAS_STAGING.search(before):
        return ""
    rule = f'drills:\n  - playbook: {playbook}\n    environment: staging\n    cron: "{_WEEKLY}"\n'
    after = f"{before if before.endswith(chr(10)) else before + chr(10)}{rule}"
    path = f"policies/{account.incident.service}.yaml"
    made = unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in made)


def _ask_less(account: Account) -> Iterator[Suggestion]:
    """A criterion that asked first, whose answer took longer than all of the rollback was to take."""
    for run in account.rollbacks:
        within = run.deadline - run.accepted_at
        waited = [
            one
            for one in account.approvals.get(run.id, ())
            if one.step_id is None and one.answered_at is not None and one.answered_at - one.asked_at > within
        ]
        if waited and run.criterion:
            text = (
                f"“{run.criterion}” asks {run.authority.replace('_', ' ')} first, and the answer took longer than the "
                f"{format_duration(within)} of its `within`: let it act by itself, or promise a time that can be kept"
            )
            yield Suggestion(text, tuple(f"approval {one.id}" for one in waited))


def _answer(account: Account) -> Iterator[Suggestion]:
    """Alerts that no criterion answered, in an incident that was restored all the same."""
    noted = [one for one in account.decisions if one.verdict is Verdict.NOTE and one.alert]
    if noted and account.restoring is not None and not any(one.criterion and one.run_id for one in account.decisions):
        title = str(noted[0].alert.get("title") or "these alerts")
        text = f"Let a criterion answer to {title}: a person had to"
        yield Suggestion(text, tuple(f"decision {one.id}" for one in noted[:3]))


def _reach(account: Account) -> Iterator[Suggestion]:
    """Audiences that could not be told."""
    dead = [one for one in account.notices if one.status is NoticeStatus.DEAD and not one.audience.startswith(PERSON)]
    for audience in sorted({one.audience for one in dead}):
        found = tuple(f"notice {one.id}" for one in dead if one.audience == audience)
        yield Suggestion(f"Give the audience {audience} a second way: what was sent there never arrived", found[:5])


_RULES: Sequence[Callable[[Account], Iterator[Suggestion]]] = (_rehearse, _ask_less, _answer, _reach)
