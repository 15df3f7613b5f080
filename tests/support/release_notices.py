"""Facts of the notices about releases, made by the flow itself out of a policy, a manifest and verdicts of gates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.conditions import compile_condition
from bot.domain.gates import Figure, GateResult, GateVerdict
from bot.domain.manifests import Manifest, read_manifest
from bot.domain.pins import Pin
from bot.domain.policies import Policy
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.report_facts import Fact
from bot.domain.times import format_time
from bot.domain.walks import ReleaseKind, Walk
from bot.flow.release_facts import release_story, result_facts
from bot.flow.result_records import halt_details
from bot.flow.telling import report_facts
from support.people_notices import PEOPLE

FOR_AUDIENCES = ("release_brief", "release_live", "release_endorsed")
FOR_ENGINEERS = ("stage_passed",)
FOR_OWNERS = (
    "gate_failed", "gate_unknown", "promotion_stopped", "readiness_review", "release_watched", "retrospective_due",
    "unplanned_dependency",
)  # fmt: skip
"""To whoever answers for a stage, for a release, or for what is open."""

NAMED = {"emergency_brief": "release_brief"}
NAMES = (*FOR_AUDIENCES, *FOR_ENGINEERS, *FOR_OWNERS, *NAMED)

ID = "rel-01jd4xk2m9q7r3s5t6v8w0y1z2"
T0 = datetime.fromisoformat("2026-11-20T13:02:00+00:00")
URL = f"https://andon.example.com/releases/{ID}"

POLICY = {
    "service": "fraud-model",
    "summary": "Card fraud scores served to checkout",
    "match": "alert.labels.service == 'fraud-model'",
    "roles": {
        "champion": ["U0PRIYA056"],
        "ml_engineer": ["U0LENA0012"],
        "rollback_authority": ["U0OMAR0034", "U0PRIYA056"],
        "product_owner": ["U0OMAR0034"],
    },
    "persons": {"lena": ["U0LENA0012"], "omar": ["U0OMAR0034"], "priya": ["U0PRIYA056"]},
    "rollback": [
        {
            "name": "prediction divergence", "when": "alert.title == 'PredictionDivergence'",
            "playbook": "rollback_model",
        },
        {
            "name": "approval rate falls", "when": "alert.title == 'ApprovalRate'", "playbook": "rollback_model",
            "authority": "rollback_authority", "within": "15m",
        },
    ],
    "canary": {
        "output": "classes", "tolerance": 0.02, "on_divergence": {"playbook": "rollback_model", "within": "5m"},
    },
    "stages": [
        {
            "name": "evaluation", "owner": "ml_engineer",
            "gates": [
                {"use": "metric", "metric": "f1", "at_least": 0.84, "max_drop": 0.01},
                {"use": "checklist", "name": "readiness", "items": [
                    {"name": "runbook", "role": "champion"}, {"name": "copy", "role": "product_owner"},
                ]},
            ],
        },
        {"name": "canary", "do": "shift_to_5", "advance": "automatic", "window": "2h", "gates": [{"use": "canary"}]},
        {"name": "production", "do": "shift_to_all", "gates": [{"use": "latency", "quantile": 0.99, "at_most": 40}]},
        {"name": "watch", "window": "24h", "summary": "nobody has to be awake", "gates": [{"use": "canary"}]},
    ],
    "freeze": [{"name": "end of the year", "from": "2026-12-18", "to": "2027-01-03"}],
    "stable": {"endorse": "rollback_authority"},
    "emergency": {"gates": [{"use": "metric", "metric": "f1", "at_least": 0.8}]},
}  # fmt: skip
MANIFEST = {
    "objective": "Find fraud in small payments again, without more second confirmations.",
    "expected_effect": "F1 rises from 0.86 to 0.88 at the same latency.",
    "success_measures": ["F1 of at least 0.88 after a week", "no more than 2 % second confirmations"],
    "acceptable_risk": "Up to 0.5 % more second confirmations for a day",
    "alternatives": ["Retrain next month: small payments stay unprotected", "A rule for small payments: too coarse"],
    "risk_assessment": {"text": "Small merchants see more confirmations where the feature is late", "link": "https://wiki.example.com/risk-43"},
    "impact_analysis": {"text": "Some customers are asked for a second confirmation less often"},
    "rollout_plan": {"text": "5 % for two hours, then everybody, watched for a day"},
    "rollback_plan": {"text": "Model 42 stays loaded; traffic is shifted back in one call"},
    "dependencies": [{"service": "account-features", "version": "7"}],
    "author": "U0LENA0012",
}  # fmt: skip


def facts(name: str, now: datetime) -> dict[str, Any]:
    """All that the flow knows when it tells this."""
    kind = ReleaseKind.EMERGENCY if name in ("emergency_brief", "retrospective_due") else ReleaseKind.STANDARD
    return _story(name, kind, read_manifest(MANIFEST)) | _more(name) | {
        "as_of": format_time(now), "people": PEOPLE, "zone": "Europe/Berlin",
    }  # fmt: skip


def bare(name: str, now: datetime) -> dict[str, Any]:
    """What is left where a policy and a manifest say nothing but what they must."""
    policy = Policy.model_validate({"service": "fraud-model", "match": "true"}, context=_COMPILED)
    emergency = name in ("emergency_brief", "retrospective_due")
    walk = Walk(ID, "fraud-model", "lena", "", "", retrospective_due_at=T0 - timedelta(hours=1) if emergency else None)
    walk = replace(walk, kind=ReleaseKind.EMERGENCY if emergency else ReleaseKind.STANDARD)
    release = Release(ID, "fraud-model", "42", "43", T0)
    return release_story(Pin(policy), release, walk, Manifest(), URL) | {"as_of": format_time(now)}


_COMPILED = {"compile": compile_condition}
_STATUS = {
    "release_live": (ReleaseStatus.LIVE, "watch"),
    "release_watched": (ReleaseStatus.WATCHED, None),
    "release_endorsed": (ReleaseStatus.ENDORSED, None),
    "retrospective_due": (ReleaseStatus.ENDORSED, None),
    "stage_passed": (ReleaseStatus.IN_FLIGHT, "canary"),
    "promotion_stopped": (ReleaseStatus.IN_FLIGHT, "production"),
}


def _story(name: str, kind: ReleaseKind, manifest: Manifest) -> dict[str, Any]:
    policy = Policy.model_validate(POLICY, context=_COMPILED)
    status, stage = _STATUS.get(
        name, (ReleaseStatus.IN_FLIGHT, "emergency" if kind is ReleaseKind.EMERGENCY else "evaluation")
    )
    emergency = kind is ReleaseKind.EMERGENCY
    walk = Walk(
        ID, "fraud-model", "U0LENA0012", "", "", kind=kind, second_person="U0OMAR0034" if emergency else None,
        retrospective_due_at=_DUE[name] if emergency else None,
    )  # fmt: skip
    release = Release(ID, "fraud-model", "42", "43", T0, author="U0LENA0012", status=status, stage=stage)
    return release_story(Pin(policy, kind=kind), release, walk, manifest, URL)


_DUE = {
    "emergency_brief": datetime.fromisoformat("2026-11-24T23:59:00+00:00"),
    "retrospective_due": datetime.fromisoformat("2026-11-19T23:59:00+00:00"),
}


def _more(name: str) -> dict[str, Any]:
    extras: dict[str, dict[str, Any]] = {
        "emergency_brief": {"emergencies": 2, "emergency_days": 90},
        "stage_passed": {"passed": "evaluation"},
        "release_live": {"passed": "production"},
        "release_endorsed": {"by": "U0OMAR0034"},
        "unplanned_dependency": {
            "unplanned": [
                {
                    "on": "feature-store", "what": "feature-store.merchant_age",
                    "why": "feature-store went live with version 2026.11.19 at 12:40, after this release was started",
                },
            ],
        },
        "promotion_stopped": {
            "problem": "shift_to_all is needs_human: the load balancer answered 503", "stage": "production",
        },
        "gate_failed": {"results": [result_facts(FAILED)], "acts": True, "wanted_by": ""},
        "gate_unknown": {
            "results": [result_facts(UNKNOWN), result_facts(UNSIGNED)], "acts": True, "wanted_by": "U0LENA0012",
        },
        "readiness_review": {
            "open_by_role": [
                {"role": "ml_engineer", "open": ["evaluation: metric f1 is unknown: no evidence was pushed"]},
                {"role": "champion", "open": ["evaluation: runbook is not signed"]},
                {"role": "briefs", "open": ["product has not acknowledged the brief"]},
            ]
        },
    }  # fmt: skip
    return extras.get(name, {})


def _result(verdict: GateVerdict, name: str, why: str, *figures: Figure) -> GateResult:
    use = name.split(maxsplit=1)[0]
    return GateResult("vdt-1", ID, "fraud-model", "evaluation", 0, use, name, {}, verdict, why, T0, "andon 1", figures)


FAILED = _result(
    GateVerdict.FAIL,
    "metric f1",
    "f1 of the candidate is 0.81, below 0.84",
    Figure("f1", 0.81, "at least 0.84", 0.79, 0.83, 12_000),
    Figure("f1", 0.86, "", 0.85, 0.87, 12_000, "incumbent"),
    Figure("f1", -0.05, "drop at most 0.01", -0.07, -0.03, 12_000, "difference"),
)
UNKNOWN = _result(GateVerdict.UNKNOWN, "metric f1", "no evidence called evaluation was pushed")
UNSIGNED = _result(
    GateVerdict.UNKNOWN,
    "readiness",
    "runbook is not signed by anybody in the role champion yet",
    Figure("items signed", 1.0, "at least 2", n=2, unit="items"),
)


def measured_by_a_gate(at: datetime) -> dict[str, Any]:
    """The report of a halt that a gate gave: what it measured, and who was asked for the rest."""
    known = halt_details([FAILED], "SEV-3")
    said = [(name, known[name], "measured by gate metric f1") for name in ("broken", "metric", "confidence_interval")]
    facts = [Fact(f"fct-{number}", "inc-1", *one, at) for number, one in enumerate(said)]
    asked = Fact("fct-9", "inc-1", "user_effect", None, "asked by Andon", at, asked="U0PRIYA056")
    return report_facts([*facts, asked]) | {"people": PEOPLE, "zone": "Europe/Berlin"}
