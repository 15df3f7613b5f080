"""Notices as tests need them: with realistic, minimal and overlong facts; run as a program it renews the golden files.

PYTHONPATH=.:tests python -m support.golden_notices
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.glossary import load_glossary
from bot.adapters.letters import LetterWriter
from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.shipped import shipped_folder
from bot.domain.audit_trail import SignedHead
from bot.domain.decisions import alert_facts
from bot.domain.events import Alert, AlertStatus
from bot.domain.incidents import Incident, IncidentStatus, Severity
from bot.domain.judging import release_facts
from bot.domain.playbooks import Playbook
from bot.domain.records import Notice
from bot.domain.releases import Release
from bot.domain.report_facts import FIELDS
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepStatus
from bot.domain.times import format_time
from bot.flow.result_records import halt_reason
from bot.flow.told_facts import incident_facts, run_facts
from support import planned_drill_notices, release_notices
from support.people_notices import EXTRAS, FOR_AUDIENCES, FOR_PEOPLE, answered, reported, watched

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "notices"
AUDIENCES = ("engineering", "product", "executive", "support", "compliance", "security")
HOUSE_NAMES = ("dead_letter", "orphaned_run", "live_unreadable", "audit_anchor", "anchor_failed", "watchdog_silent")

T0 = datetime(2026, 11, 20, 14, 7, 31, 396000, UTC)
ULID = "01jd4xk2m9q7r3s5t6v8w0y1z2"

STEERING = frozenset(
    {
        "as_of", "status", "kind", "severity", "deadline", "opened_at", "within", "zone", "at", "due_at", "starts_at",
        "ends_at", "next_at", "next_update", "grace_until", "expires_at", "watch", "state", "window",
        "since",
    }
)  # fmt: skip
"""Facts that Andon makes itself out of closed sets and its own clock."""

STATUS_OF = {
    "rollback_started": RunStatus.QUEUED,
    "approval_needed": RunStatus.WAITING,
    "approval_expired": RunStatus.WAITING,
    "restored": RunStatus.SUCCEEDED,
    "needs_human": RunStatus.NEEDS_HUMAN,
    "stopped": RunStatus.CANCELLED,
    "deadline_missed": RunStatus.RUNNING,
    "halfway": RunStatus.RUNNING,
    "progress": RunStatus.RUNNING,
    "receipt": RunStatus.SUCCEEDED,
    "answered": RunStatus.QUEUED,
    "escalated": RunStatus.WAITING,
    "not_stable": RunStatus.SUCCEEDED,
    "unmeasured": RunStatus.SUCCEEDED,
    "endorsement_wanted": RunStatus.SUCCEEDED,
}
"""The notices that are about a run, and how that run is doing; `halfway` is one that a playbook might post."""

NAMED = {
    "receipt": "progress",
    "answered": "approval_needed",
    "gate_halt": "halted",
    "unmeasured": "not_stable",
    **release_notices.NAMED,
    **planned_drill_notices.NAMED,
}
"""The same notice at a later moment, where it is told anew in place."""

INCIDENT_OF = {
    "restored": IncidentStatus.MONITORING,
    "endorsed": IncidentStatus.STABLE,
    "resolved": IncidentStatus.RESOLVED,
    "halted": IncidentStatus.HALTED,
    "gate_halt": IncidentStatus.HALTED,
    **dict.fromkeys((*FOR_PEOPLE, *FOR_AUDIENCES), IncidentStatus.HALTED),
    "receipt": IncidentStatus.MONITORING,
    "not_stable": IncidentStatus.MONITORING,
    "unmeasured": IncidentStatus.MONITORING,
    "endorsement_wanted": IncidentStatus.MONITORING,
    "escalated": IncidentStatus.OPEN,
} | dict.fromkeys(
    ("incident_opened", "approval_needed", "approval_expired", "would_restore", "held", "lifted"), IncidentStatus.OPEN
)

OTHER_NAMES = ("incident_opened", "would_restore", "held", "halted", "gate_halt", "lifted", "resolved", "endorsed")
ABOUT_RELEASES = release_notices.NAMES
ABOUT_DRILLS = planned_drill_notices.NAMES
TO_PERSONS = (*FOR_PEOPLE, *release_notices.FOR_OWNERS)
TO_SOME = (*TO_PERSONS, *release_notices.FOR_ENGINEERS, *ABOUT_DRILLS)
"""Notices that not every audience gets."""
NAMES = (
    *STATUS_OF, *OTHER_NAMES, *HOUSE_NAMES, *FOR_AUDIENCES, *(one for one in FOR_PEOPLE if one not in STATUS_OF),
    *ABOUT_RELEASES, *ABOUT_DRILLS,
)  # fmt: skip


def readers_of(name: str) -> tuple[str, ...]:
    """The audiences that a notice goes to; a person, where it goes to persons."""
    if name in release_notices.FOR_ENGINEERS or name in ABOUT_DRILLS:
        return ("engineering",)
    return ("person:U0OMAR0034",) if name in TO_PERSONS else AUDIENCES


def playbook(steps: int = 3) -> Playbook:
    """A rollback in so many steps."""
    known = [("confirm", "http_request"), ("restore", "http_request"), ("verify", "wait_for_metric")]
    extra = [(f"step-{number}-{'x' * 50}"[:60], "wait_for_http") for number in range(3, steps)]
    listed: list[dict[str, Any]] = [{"id": id_, "use": use} for id_, use in (known + extra)[:steps]]
    for one in listed:
        if one["use"] == "wait_for_metric":
            one["with"] = {"condition": "value < 0.01"}
    return Playbook.model_validate({"playbook": "rollback_model", "summary": "Put the incumbent back", "steps": listed})


def run(status: RunStatus = RunStatus.SUCCEEDED, *, drill: bool = False, steps: int = 3, late: bool = True) -> Run:
    """A run that is this far."""
    planned = Run.planned(
        playbook=playbook(steps), id=f"run-{ULID}", service="fraud-model", environment="production",
        plan_hash="9f2c41d07ab35e68", facts={}, accepted_at=T0, deadline=T0 + timedelta(minutes=5),
        status=status, incident_id=f"inc-{ULID}", criterion="prediction divergence", drill=drill,
    )  # fmt: skip
    if status in (RunStatus.QUEUED, RunStatus.WAITING):
        waits = status is RunStatus.WAITING
        return replace(planned, authority="rollback_authority", requested_by="oncall") if waits else planned
    planned = replace(planned, first_action_at=T0 + timedelta(seconds=0.42))
    done = {step.id: StepStatus.DONE for step in planned.steps}
    if status is not RunStatus.SUCCEEDED:
        going = StepStatus.STARTED if status is RunStatus.RUNNING and not late else StepStatus.UNKNOWN
        done |= {"restore": going, "verify": StepStatus.PENDING}
    stopped = "the deployer answered 503 and then not at all"
    error = {RunStatus.SUCCEEDED: "", RunStatus.CANCELLED: "cancelled by lead"}.get(status, stopped)
    states = tuple(
        replace(
            step,
            status=done[step.id],
            started_at=T0 + timedelta(seconds=0.42 + number),
            finished_at=T0 + timedelta(seconds=1.2 + number * 30) if done[step.id] is StepStatus.DONE else None,
            error=stopped if done[step.id] is StepStatus.UNKNOWN else "",
            output=MEASURED if step.use == "wait_for_metric" and done[step.id] is StepStatus.DONE else {},
        )
        for number, step in enumerate(planned.steps)
    )
    finished = T0 + timedelta(seconds=125.3) if status.is_ended else None
    breached = T0 + timedelta(minutes=5) if status is RunStatus.RUNNING and late else None
    going_well = status is RunStatus.RUNNING and not late
    return replace(planned, steps=states, finished_at=finished, error="" if going_well else error, breached_at=breached)


MEASURED = {"value": 0.003, "held_seconds": 120.4, "polls": 25}


def alert() -> dict[str, Any]:
    """An alert's facts as a decision keeps them."""
    return alert_facts(
        Alert(
            source="alertmanager", title="PredictionDivergence", status=AlertStatus.FIRING, severity="critical",
            starts_at=T0 - timedelta(seconds=35), link="http://prometheus.example.com/graph?g0.expr=divergence",
            labels={"alertname": "PredictionDivergence", "service": "fraud-model", "severity": "critical"},
            annotations={"summary": "Candidate and incumbent disagree on 7 % of requests"},
        )
    )  # fmt: skip


def realistic(name: str, *, drill: bool = False) -> Notice:
    """The notice with everything known that may be known by then."""
    if name in HOUSE_NAMES:
        return _house(name)
    if name in ABOUT_RELEASES:
        return _notice(name, release_notices.facts(name, T0))
    if name in ABOUT_DRILLS:
        return _notice(name, planned_drill_notices.facts(name, T0))
    incident = Incident(
        id=f"inc-{ULID}", service="fraud-model", environment="production", severity=Severity.SEV_1,
        title="PredictionDivergence", opened_at=T0, status=INCIDENT_OF.get(name, IncidentStatus.ROLLING_BACK),
        revision=3, alert_count=2, owner="U0LENA0012",
    )  # fmt: skip
    release = Release(id=f"rel-{ULID}", service="fraud-model", incumbent="41", candidate="42", opened_at=T0)
    facts = {
        "as_of": format_time(T0 + timedelta(seconds=301 if name == "deadline_missed" else 126)),
        "service": "fraud-model",
        "summary": "Card fraud scores served to checkout",
        "environment": "production",
        "incident": incident_facts(incident, "https://andon.example.com"),
        "release": release_facts(release),
        "run": run_facts(run(STATUS_OF[name], drill=drill, late=name != "progress")) if name in STATUS_OF else {},
    }
    told = release_notices.measured_by_a_gate(T0) if name == "gate_halt" else reported()
    return _notice(name, facts | told | _extra(name), revision=3)


def _extra(name: str) -> dict[str, Any]:
    question = {"question": "Run rollback_model for fraud-model in production?", "role": "rollback_authority"}
    decided = {"reason": "criterion 'prediction divergence' holds", "criterion": "prediction divergence"}
    person = {"by": "lead", "reason": "Scores for small amounts look far too low"}
    extras: dict[str, dict[str, Any]] = {
        "approval_needed": question | {"members": ["U0LEAD", "U0ONCALL"]},
        "approval_expired": question,
        "incident_opened": {"reason": "no rollback criterion holds", "criterion": "", "alert": alert()},
        "would_restore": decided | {"alert": alert()},
        "held": decided | {"alert": alert()},
        "halted": person,
        "gate_halt": {"by": "andon", "reason": halt_reason("42", "evaluation", [release_notices.FAILED])},
        "lifted": person | {"reason": "The feature arrives in time again, and the gates pass"},
        "resolved": person | {"reason": "Stable for two days"},
        "endorsed": person
        | {
            "reason": "Ten minutes without a single divergence",
            "duration_seconds": 1810.0,
            "remaining": EXTRAS["summary"]["action_items"][:2],
        },
        "answered": question | answered(T0 + timedelta(seconds=90)),
        "not_stable": watched("failing", 0.031),
        "unmeasured": watched("unknown", None),
        "endorsement_wanted": watched("holding", 0.004) | {"role": "endorser", "problem": ""},
        "halfway": {"text": "Traffic is back on the incumbent; the caches are being warmed."},
    }
    return extras.get(name) or EXTRAS.get(name, {})


def minimal(name: str) -> Notice:
    """The notice with nothing known but that it is due."""
    if name in HOUSE_NAMES:
        return _notice(name, {"as_of": format_time(T0), "service": "andon"})
    if name in ABOUT_RELEASES:
        return _notice(name, release_notices.bare(name, T0))
    if name in ABOUT_DRILLS:
        return _notice(name, planned_drill_notices.bare(name, T0))
    facts: dict[str, Any] = {"as_of": format_time(T0), "service": "fraud-model", "release": {}, "run": {}}
    if name in STATUS_OF:
        facts["run"] = run_facts(replace(run(STATUS_OF[name]), criterion=None)) | {"seconds": None}
    incident = Incident("inc-" + ULID, "fraud-model", "production", Severity.SEV_3, "", T0)
    return _notice(name, facts | {"incident": incident_facts(incident, "http://127.0.0.1:8080")})


def longest(name: str) -> Notice:
    """The notice with facts as long as they come, in many short words."""
    words = "many short words and a record run-" + ULID + " "
    notice = realistic(name)
    facts = filled(notice.facts, lambda _: words * 30)
    facts["report"] = {f"finding_{number}": words * 30 for number in range(22)} | dict.fromkeys(FIELDS, words * 30)
    facts |= {key: value * 40 for key, value in facts.items() if isinstance(value, list)}
    if name in STATUS_OF:
        states = run(STATUS_OF[name], steps=100).steps
        steps = [{"id": one.id, "use": one.use, "status": "failed", "error": words * 30} for one in states]
        facts["run"] = facts["run"] | {"steps": steps, "late": True, "id": f"run-{ULID}"}
    if name not in HOUSE_NAMES:
        labels = {f"label-{number}-{'k' * 90}": words * 30 for number in range(60)}
        facts["alert"] = filled(alert(), lambda _: words * 30, frozenset()) | {"labels": labels}
    facts |= dict.fromkeys(("reason", "question", "role", "by", "text", "problem", "source", "event"), words * 30)
    return replace(notice, facts=facts)


def filled(value: Any, make: Callable[[str], str], keep: frozenset[str] = STEERING) -> Any:
    """The facts with every text in them replaced, but for those that steer a template."""
    if isinstance(value, Mapping):
        return {key: one if key in keep else filled(one, make, keep) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled(one, make, keep) for one in value]
    return make(value) if isinstance(value, str) else value


def _house(name: str) -> Notice:
    about = {"as_of": format_time(T0), "service": "andon", "address": "https://andon.example.com"}
    if name == "orphaned_run":
        return _notice(name, about | {"run": f"run-{ULID}", "problem": "fraud-model has no policy any more"})
    if name == "live_unreadable":
        seen = {"environment": "production", "problem": "it answered with status 503"}
        return _notice(name, about | {"service": "fraud-model"} | seen)
    if name == "audit_anchor":
        at, digests = "2026-11-20T14:07:31.396000+00:00", ("c0de" * 16, "5e1f" * 16, "ab12" * 16)
        head = SignedHead(1204, digests[0], at, digests[1], digests[2], "0d" * 64)
        return _notice(name, about | {"text": head.line})
    if name == "anchor_failed":
        return _notice(name, about | {"text": "file:/mnt/worm/heads", "problem": "No space left on device"})
    if name == "watchdog_silent":
        return _notice(name, about | {"since": format_time(T0), "within": "10m"})
    problem = "alerts[0].labels: this is no map"
    return _notice(name, about | {"source": "alertmanager", "event": f"evt-{ULID}", "problem": problem})


def _notice(name: str, facts: Mapping[str, Any], revision: int = 1) -> Notice:
    return Notice(
        id=f"ntc-{ULID}", service=str(facts["service"]), audience=readers_of(name)[0], name=NAMED.get(name, name),
        cause=f"event:evt-{ULID}", due_at=T0, facts=facts, revision=revision,
    )  # fmt: skip


def golden() -> dict[str, str]:
    """Every golden file's name and text: all audiences of one notice with one kind of facts."""
    shipped = shipped_folder("templates")
    writer = LetterWriter(NoticeTemplates([shipped]), glossary=load_glossary([shipped]))
    made = {}
    for name in NAMES:
        for kind, build in (("realistic", realistic), ("minimal", minimal)):
            parts = []
            for audience in readers_of(name):
                letter = writer.write(replace(build(name), audience=audience))
                parts.append(f"===== {audience} =====\nSubject: {letter.subject}\n\n{letter.body}\n")
            made[f"{name}.{kind}.txt"] = "\n".join(parts)
    return made


def main() -> None:
    """Write the golden files anew and remove those of notices that are gone."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    texts = golden()
    for path in GOLDEN.glob("*.txt"):
        if path.name not in texts:
            path.unlink()
    for file, text in texts.items():
        (GOLDEN / file).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
