"""Decides recorded alerts without a database: the same rule as at the front door, on what a policy alone says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bot.domain.configuration import Configuration
from bot.domain.decisions import Decision, alert_facts
from bot.domain.events import Alert
from bot.domain.inner_alerts import is_inner, service_named
from bot.domain.judging import Known, decide, ignored
from bot.domain.policies import Policy
from bot.domain.releases import Release, Service


def decisions(alerts: Iterable[Alert], configuration: Configuration) -> list[dict[str, Any]]:
    """One entry for each alert and each policy that it is about, with every criterion's finding."""
    now = datetime.now(UTC)
    entries: list[dict[str, Any]] = []
    for alert in alerts:
        policies = [policy for policy in configuration.policies.values() if _is_about(alert, policy)]
        answers = [decide(alert, policy, _known(policy, now)) for policy in policies]
        answers = answers or [ignored(alert, now, "no policy matches it")]
        entries.extend(_entry(alert, answer) for answer in answers)
    return entries


def _is_about(alert: Alert, policy: Policy) -> bool:
    if is_inner(alert):
        return policy.service == service_named(alert)
    return policy.matches({"alert": alert_facts(alert)})


def _known(policy: Policy, now: datetime) -> Known:
    named = policy.release
    release = Release("none", policy.service, named.incumbent, named.candidate, now) if named else None
    return Known(now=now, service=Service(policy.service), release=release)


def _entry(alert: Alert, decision: Decision) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "fingerprint": alert.identity,
        "verdict": str(decision.verdict),
        "reason": decision.reason,
        "service": decision.service,
        "environment": decision.environment,
        "severity": str(decision.severity) if decision.severity else None,
        "criterion": decision.criterion,
        "playbook": decision.playbook,
        "authority": decision.authority,
        "criteria": [{"criterion": one.criterion, "truth": one.truth, "why": one.why} for one in decision.trace],
    }
