"""Accounts of incidents with fixed records, rich and poor; run as a program it renews the golden files.

PYTHONPATH=.:tests python -m support.golden_postmortems
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.conditions import compile_condition
from bot.adapters.postmortem_papers import PostmortemPapers
from bot.domain.canaries import Canary, CanaryVerdict
from bot.domain.decisions import Decision, Verdict
from bot.domain.drills import Drill, DrillState
from bot.domain.gates import GateResult, GateVerdict
from bot.domain.incidents import Incident, IncidentStatus, Severity
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.playbooks import Playbook
from bot.domain.policies import Policy
from bot.domain.postmortems import (
    ChangeVerdict,
    Lesson,
    Postmortem,
    PostmortemState,
    Section,
    SectionText,
    SignOff,
)
from bot.domain.records import Approval, ApprovalStatus, Notice, NoticeStatus, TimelineEntry
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.report_facts import Fact
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepStatus
from bot.domain.walks import UnplannedDependency, Walk
from bot.domain.watches import Watch, WatchState
from bot.flow.account import Account
from bot.flow.postmortem_draft import Drafting, Words, draft_facts

GOLDEN = Path(__file__).parents[1] / "golden/postmortems"
SHIPPED = Path(__file__).parents[2] / "templates"
T0 = datetime(2026, 11, 20, 11, 33, 30, tzinfo=UTC)
ULID = "01jd4xk2m9q7r3s5t6v8w0y1z2"
INCIDENT, RUN, RELEASE = f"inc-{ULID}", f"run-{ULID}", f"rel-{ULID}"
DIFF = """--- a/policies/fraud-model.yaml
+++ b/policies/fraud-model.yaml
@@ -40,3 +40,3 @@
 rollback:
   - name: prediction divergence
-    when: alert.labels.alertname == "PredictionDivergence" && value < 0.2
+    when: alert.labels.alertname == "PredictionDivergence"
"""


def after(seconds: float) -> datetime:
    """So long after the incident was opened."""
    return T0 + timedelta(seconds=seconds)


POLICY = Policy.model_validate(
    {
        "service": "fraud-model",
        "summary": "Card fraud scores served to checkout",
        "match": "true",
        "roles": {"rollback_authority": ["U0LENA0012", "otto"], "champion": ["U0OMAR0034"]},
        "persons": {"lena": ["U0LENA0012", "lena@example.com"], "omar": ["U0OMAR0034"], "priya": ["U0PRIYA056"]},
    },
    context={"compile": compile_condition},
)


def poor() -> Drafting:
    """An incident of which next to nothing is known."""
    incident = Incident(INCIDENT, "fraud-model", "production", Severity.SEV_3, "Something", T0)
    return Drafting(Account(incident, (), (), (), (), (), ()), Words(None), None, "https://andon.example.com")


def rich() -> Drafting:
    """A release that passed a gate too many, was rolled back late by a person's yes, and was written about."""
    incident = Incident(
        INCIDENT, "fraud-model", "production", Severity.SEV_1, "PredictionDivergence", T0,
        status=IncidentStatus.RESOLVED, release_id=RELEASE, previous_id=f"inc-{ULID[:-1]}0", alert_count=2,
        owner="U0OMAR0034", resolved_at=after(7200),
    )  # fmt: skip
    account = Account(
        incident=incident,
        facts=_facts(),
        timeline=_timeline(),
        minutes=_minutes(),
        decisions=_decisions(),
        runs=(_run(),),
        notices=_notices(),
        approvals={RUN: (_approval(),)},
        release=Release(RELEASE, "fraud-model", "41", "42", after(-86400), status=ReleaseStatus.ROLLED_BACK),
        walk=Walk(RELEASE, "fraud-model", "U0PRIYA056", "3f2a", "9c1b"),
        gates=(
            _gate("schema", GateVerdict.PASS, "the schema is the same"),
            _gate("fairness by region", GateVerdict.UNKNOWN, "no slice has 200 rows yet"),
        ),
        dependencies=(
            UnplannedDependency(f"udp-{ULID}", RELEASE, "features", "the table `amounts`", after(-600), "it changed"),
        ),
        canary=Canary(
            RELEASE, "fraud-model", "canary", after(-3600), pairs=20_000, verdict=CanaryVerdict.DIVERGED, affected=1_411
        ),
        watch=Watch(
            INCIDENT, "fraud-model", "production", RUN, after(700), after(700), after(1300), 600.0,
            state=WatchState.HOLDING, held_seconds=600.0, stable_at=after(1300),
        ),
        policy_text="service: fraud-model\nmatch: 'true'\ntargets:\n  staging: {allow_hosts: []}",
        drills=(_drill("01", -100, DrillState.PASSED), _drill("02", -3, DrillState.FAILED, "the deployer was slow")),
    )  # fmt: skip
    return Drafting(account, _words(), POLICY, "https://andon.example.com")


def _facts() -> list[Fact]:
    metric = {"name": "F1", "before": 0.86, "now": 0.73, "change_percent": -15}
    said: dict[str, Any] = {
        "user_effect": "One in fifty payments was asked for a second confirmation",
        "metric": metric,
        "broken": "U0PRIYA056 saw that amounts come in cents <b>now</b>",
    }
    return [
        Fact(f"fct-{number}", INCIDENT, name, value, "said by U0LENA0012", after(60), "U0LENA0012")
        for number, (name, value) in enumerate(said.items())
    ]


def _timeline() -> list[TimelineEntry]:
    told = [
        (0, "opened", "Incident opened: PredictionDivergence", None, None),
        (0, "alert", "Alert PredictionDivergence (firing): its authority is rollback_authority", None,
         "https://prometheus.example.com/graph?g0.expr=divergence&x=1"),
        (1, "approval", "rollback_model waits for a member of rollback_authority", None, None),
        (65, "owner", "U0OMAR0034 took the incident", "U0OMAR0034", None),
        (410, "approval", "U0LENA0012 approved: Run rollback_model?", "U0LENA0012", None),
        (700, "restored", "rollback_model for fraud-model in production succeeded", None, None),
        (1400, "endorsed", "otto accepts the restored state: scores are back", "otto", None),
        (7200, "resolved", "U0OMAR0034 resolved it: [done](javascript:alert(1)) <!channel>", "U0OMAR0034", None),
    ]  # fmt: skip
    return [
        TimelineEntry(f"tml-{number}", INCIDENT, after(at), kind, text, actor, None, link)
        for number, (at, kind, text, actor, link) in enumerate(told)
    ]


def _minutes() -> list[Minute]:
    common: dict[str, Any] = {"incident_id": INCIDENT, "service": "fraud-model", "by": "U0LENA0012", "at": after(900)}
    return [
        Minute("min-1", kind=MinuteKind.DECISION, status=MinuteStatus.DONE, text="Keep 41 live",
               reason="nobody knows yet how small amounts are scored", **common),
        Minute("min-2", kind=MinuteKind.ACTION_ITEM, status=MinuteStatus.OPEN, text="Check the unit of amounts",
               owner="U0PRIYA056", due_at=after(86400), **common),
        Minute("min-3", kind=MinuteKind.ACTION_ITEM, status=MinuteStatus.DONE, text="Tell support",
               owner="otto", answer="told", **common),
        Minute("min-4", kind=MinuteKind.QUESTION, status=MinuteStatus.OPEN, text="Are refunds affected?", **common),
        Minute("min-5", kind=MinuteKind.ACTION_ITEM, status=MinuteStatus.WITHDRAWN, text="Not this", **common),
    ]  # fmt: skip


def _decisions() -> list[Decision]:
    alert = {
        "status": "firing", "starts_at": "2026-11-20T11:26:00.000Z", "title": "PredictionDivergence",
        "labels": {"alertname": "PredictionDivergence"},
    }  # fmt: skip
    return [
        Decision("dec-1", "evt-1", T0, Verdict.ASK, "criterion 'prediction divergence' holds",
                 criterion="prediction divergence", incident_id=INCIDENT, run_id=RUN, alert=alert),
    ]  # fmt: skip


def _run() -> Run:
    steps = [{"id": "restore", "use": "http_request"}, {"id": "verify", "use": "wait_for_metric"}]
    playbook = Playbook.model_validate({"playbook": "rollback_model", "steps": steps})
    planned = Run.planned(
        playbook=playbook, id=RUN, service="fraud-model", environment="production", plan_hash="9f2c", facts={},
        accepted_at=T0, deadline=after(300), status=RunStatus.SUCCEEDED, incident_id=INCIDENT,
        criterion="prediction divergence", authority="rollback_authority", approved_by="U0LENA0012",
    )  # fmt: skip
    states = (replace(planned.steps[0], status=StepStatus.DONE, tries=3, interruptions=1),)
    states += (replace(planned.steps[1], status=StepStatus.DONE, tries=1),)
    return replace(
        planned, steps=states, first_action_at=after(411), finished_at=after(700), breached_at=after(300)
    )  # fmt: skip


def _approval() -> Approval:
    return Approval(
        f"apr-{ULID}", RUN, "rollback_authority", "Run it?", "9f2c", after(1), after(301),
        status=ApprovalStatus.APPROVED, answered_by="U0LENA0012", answered_at=after(410),
    )  # fmt: skip


def _notices() -> list[Notice]:
    told = [
        ("engineering", "approval_needed", 2, NoticeStatus.SENT),
        ("executive", "approval_needed", 3, NoticeStatus.SENT),
        ("engineering", "restored", 702, NoticeStatus.SENT),
        ("person:U0LENA0012", "escalated", 200, NoticeStatus.SENT),
        ("support", "restored", 702, NoticeStatus.DEAD),
    ]
    return [
        Notice(
            f"ntc-{number}", "fraud-model", audience, name, f"run:{RUN}", after(at), {}, incident_id=INCIDENT,
            status=status, sent_at=after(at + 1) if status is NoticeStatus.SENT else None,
            error="" if status is NoticeStatus.SENT else "the channel is archived",
        )
        for number, (audience, name, at, status) in enumerate(told)
    ]  # fmt: skip


def _gate(name: str, verdict: GateVerdict, why: str) -> GateResult:
    return GateResult(
        f"gtr-{name.partition(' ')[0]}", RELEASE, "fraud-model", "evaluation", 0, name, name, {}, verdict, why,
        after(-7200), "andon 1",
    )  # fmt: skip


def _drill(number: str, days: int, state: DrillState, why: str = "") -> Drill:
    at = T0 + timedelta(days=days)
    return Drill(
        f"drl-{number}", f"s@{number}", "fraud-model", "staging", "rollback_model", "s", at, at, 300.0, state=state,
        why=why, ended_at=at,
    )  # fmt: skip


def _words() -> Words:
    texts = [
        (Section.SUMMARY, "Amounts came in cents after a change of the feature table.\n\nNobody could see that."),
        (Section.LUCK, "# no heading\n- It was noon, and *traffic* was low\n1. Omar was at his desk <script>"),
    ]
    lessons = [
        Lesson("lsn-1", INCIDENT, after(90000), "U0LENA0012", "The unit of a feature has to be part of its schema"),
        Lesson("lsn-2", INCIDENT, after(90001), "otto", "Ask nobody for what the criterion knows", DIFF,
               ChangeVerdict.VALID, (), ("policy/fraud-model 12ab34cd56ef7890",)),
        Lesson("lsn-3", INCIDENT, after(90002), "otto", "Try another way", DIFF.replace("fraud-model", "none"),
               ChangeVerdict.REFUSED, ("policies/none.yaml is not in force: it is no file of the folder.",)),
        Lesson("lsn-4", INCIDENT, after(90003), "otto", "Taken back", withdrawn_by="otto", withdrawn_at=after(90004)),
    ]  # fmt: skip
    return Words(
        Postmortem(
            INCIDENT, "fraud-model", after(7200), PostmortemState.REVIEWED, "U0OMAR0034", after(7200 + 3 * 86400),
            revision=6, reviewed_at=after(100_000),
        ),
        [SectionText(INCIDENT, section, number + 2, text, "U0LENA0012", after(80_000 + number))
         for number, (section, text) in enumerate(texts)],
        lessons,
        [SignOff(INCIDENT, "champion", 5, "otto", after(95_000)),
         SignOff(INCIDENT, "champion", 6, "U0OMAR0034", after(100_000))],
    )  # fmt: skip


def golden() -> dict[str, str]:
    """What each golden file has to hold, by its name."""
    papers = PostmortemPapers([SHIPPED], str)
    facts = {"poor": draft_facts(poor()), "rich": draft_facts(rich())}
    texts = {f"{name}.md": papers.markdown(one) for name, one in facts.items()}
    return texts | {"rich.html": papers.html(facts["rich"])}


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, text in golden().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
