"""The JSON shapes of everything that is shown: one definition for the API, `--json` and the pages."""

from __future__ import annotations

from typing import Any

# Pydantic reads these for the OpenAPI document, and before Python 3.12 it accepts only this TypedDict.
from typing_extensions import TypedDict

from bot.flow.people_shapes import ItemView, MeetingView, ReportFieldView
from bot.flow.watch_shapes import WatchView

Time = str
"""RFC 3339 UTC with milliseconds."""


class ReleaseView(TypedDict):
    id: str
    service: str
    incumbent: str
    candidate: str
    status: str
    state: str
    """The stage it is in, else its status; `registered` before anything began."""
    stage: str | None
    opened_at: Time
    ended_at: Time | None


class TimelineView(TypedDict):
    id: str
    at: Time
    seconds: float
    """Since the incident was opened; negative for what came before."""
    kind: str
    text: str
    actor: str | None
    run_id: str | None
    link: str | None
    data: dict[str, Any]


class TraceView(TypedDict):
    criterion: str
    truth: str
    why: str


class DecisionView(TypedDict):
    kind: str
    """`verdict`: by rule or by order; `decision`: by the team."""
    id: str
    event_id: str
    at: Time
    verdict: str
    reason: str
    actor: str
    service: str | None
    environment: str | None
    severity: str | None
    criterion: str | None
    playbook: str | None
    authority: str | None
    policy_digest: str | None
    incident_id: str | None
    run_id: str | None
    trace: list[TraceView]
    alert: dict[str, Any]
    text: str
    """What the team decided; empty of a verdict, like all that follows."""
    options: list[str]
    choice: str
    why: str
    evidence: str | None
    source_link: str | None


class ApprovalView(TypedDict):
    id: str
    run_id: str
    role: str
    question: str
    plan_hash: str
    status: str
    step_id: str | None
    asked_at: Time
    expires_at: Time
    then: str
    requested_by: str | None
    answered_by: str | None
    answered_at: Time | None


class StepView(TypedDict):
    id: str
    use: str
    status: str
    tries: int
    interruptions: int
    started_at: Time | None
    finished_at: Time | None
    output: dict[str, Any]
    error: str
    undoes: str | None


class LeaseView(TypedDict):
    owner: str
    fence: int
    expires_at: Time


class RunView(TypedDict):
    id: str
    playbook: str
    kind: str
    summary: str
    service: str
    environment: str
    status: str
    drill: bool
    plan_hash: str
    accepted_at: Time
    first_action_at: Time | None
    finished_at: Time | None
    deadline: Time
    breached_at: Time | None
    seconds_to_first_action: float | None
    seconds: float | None
    """From acceptance to the end of the run."""
    waiting_for: str | None
    wake_at: Time | None
    incident_id: str | None
    event_id: str | None
    release_id: str | None
    criterion: str | None
    authority: str
    requested_by: str | None
    approved_by: str | None
    approvals: list[ApprovalView]
    may: list[str]
    """Orders that the run's state allows now, whoever gives them."""
    undoing: bool
    error: str
    lease: LeaseView | None
    steps: list[StepView]


class NoticeView(TypedDict):
    id: str
    service: str
    audience: str
    name: str
    cause: str
    medium: str
    status: str
    revision: int
    incident_id: str | None
    run_id: str | None
    due_at: Time
    sent_at: Time | None
    subject: str
    body: str
    tries: int
    error: str
    address: str
    """A channel or a person of Slack, mail addresses joined by commas; empty for the page."""
    link: str | None
    """What opens it where it stands."""
    ref: str
    """How its medium knows it: Slack's `ts`, a mail's Message-ID."""
    tried: list[str]
    """`medium:address` of the ways that failed for good."""


class IncidentSummary(TypedDict):
    id: str
    service: str
    environment: str
    title: str
    severity: str
    status: str
    release: ReleaseView | None
    opened_at: Time
    resolved_at: Time | None
    previous_id: str | None
    event_id: str | None
    alerts: int
    revision: int
    owner: str | None
    """Who answers for it; nobody until somebody takes it."""
    offered_to: str | None
    """Who was asked to take it over and has not said yes."""
    update_due_at: Time | None
    """When people are to hear of it next."""


class IncidentView(IncidentSummary):
    timeline: list[TimelineView]
    decisions: list[DecisionView]
    action_items: list[ItemView]
    questions: list[ItemView]
    suggested: list[ItemView]
    """Heard but not said for certain: they count once somebody confirms them."""
    withdrawn: list[ItemView]
    meetings: list[MeetingView]
    watch: WatchView | None
    """None where nothing is watched."""
    report: dict[str, ReportFieldView]
    """What is known, by field of the halt report."""
    runs: list[RunView]
    notices: list[NoticeView]


class LiveView(TypedDict):
    version: str | None
    """None where more than one version may be serving, or nothing is known."""
    reason: str


class HaltView(TypedDict):
    at: Time
    by: str | None
    reason: str | None


class HandsOffView(TypedDict):
    until: Time
    by: str | None
    reason: str | None


class ServiceView(TypedDict):
    service: str
    summary: str
    state: str
    mode: str | None
    """`act` or `observe`; None where no policy is in force."""
    observe: bool
    halted: HaltView | None
    hands_off: HandsOffView | None
    release: ReleaseView | None
    live: LiveView
    environments: list[str]
    incidents: list[str]
    runs: list[str]


class EventView(TypedDict):
    id: str
    source: str
    disposition: str
    accepted_at: Time
    alerts: int
    problem: str | None
    actor: str | None
    replay_of: str | None
    replayed_as: str | None
    incidents: list[str]
    runs: list[str]


class EventDetail(EventView):
    headers: dict[str, str]
    body: str | None
    """As text; bytes that are not UTF-8 show as U+FFFD."""
    decisions: list[DecisionView]


class ReceiptView(TypedDict):
    event_id: str
    disposition: str
    alerts: int
    incidents: list[str]
    runs: list[str]


class OrderView(ReceiptView):
    message: str
    refused: bool
    records: list[str]
    """Minutes, meetings and the like that it made or changed."""


class AutomationView(TypedDict):
    on: bool
    changed_by: str | None
    changed_at: Time | None
    reason: str | None


class AuditView(TypedDict):
    ok: bool
    position: int | None
    """Of the first row that does not verify."""
    problem: str | None
