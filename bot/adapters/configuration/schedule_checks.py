"""Holds the drills of a policy against the library that reads their cron lines, and against each other."""

from __future__ import annotations

from collections.abc import Iterator

from bot.adapters.configuration.files import PolicyFile
from bot.adapters.configuration.names import unknown
from bot.adapters.schedules import check_cron
from bot.domain.drill_schedules import schedule_of
from bot.domain.errors import BadInput, Fault


def check_schedules(file: PolicyFile) -> Iterator[Fault]:
    """Cron lines that nothing can be made of, two rules for one slot, and audiences that there are not."""
    seen: dict[str, int] = {}
    for index, rule in enumerate(file.policy.drills):
        for at, name in enumerate(rule.tell):
            if name not in file.policy.audiences:
                message = unknown("audience", name, file.policy.audiences)
                yield file.document.fault(("drills", index, "tell", at), message)
        if rule.cron is None:
            continue
        try:
            check_cron(rule.cron, rule.timezone)
        except BadInput as error:
            yield file.document.fault(("drills", index, "cron"), str(error).rstrip("."))
            continue
        first = seen.setdefault(schedule_of(file.policy.service, rule), index)
        if first != index:
            message = f"the same playbook, environment and time as drill {first + 1}; give one of them another time"
            yield file.document.fault(("drills", index, "cron"), message)


def schedule_warnings(file: PolicyFile) -> Iterator[Fault]:
    """What is valid but never happens."""
    for index, rule in enumerate(file.policy.drills):
        if rule.remind and rule.cron is None:
            why = "nobody is reminded: without 'cron:' it is only run when somebody asks for it"
            yield file.document.fault(("drills", index, "remind"), why)
    if file.policy.game_days and not file.policy.drills:
        yield file.document.fault(("game_days",), "there is nothing to pick from, because the policy has no 'drills:'")
