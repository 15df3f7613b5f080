"""The JSON shapes of releases, their gates and their evidence."""

from __future__ import annotations

from typing import Any

# See shapes.py.
from typing_extensions import TypedDict

from bot.flow.shapes import ReleaseView, Time


class FigureView(TypedDict, total=False):
    name: str
    value: float | None
    threshold: str
    low: float
    high: float
    n: int
    subject: str
    unit: str


class GateView(TypedDict):
    """One gate of a stage with its newest verdict; `not_run` where it never ran in this stage."""

    position: int
    use: str
    name: str
    verdict: str
    why: str
    at: Time | None
    result_id: str | None
    figures: list[FigureView]
    details: dict[str, Any]
    query: str
    evidence_ids: list[str]
    code_version: str
    by: str


class StageView(TypedDict):
    name: str
    summary: str
    state: str
    """`passed`, `here` or `ahead`."""
    verdict: str
    """Over its gates: `pass`, `fail` or `unknown`."""
    advance: str
    environment: str
    window_seconds: float
    do: str | None
    owner: str | None
    gates: list[GateView]


class EvidenceView(TypedDict):
    id: str
    name: str
    media: str
    sha256: str
    size: int
    at: Time
    by: str
    source: str
    about: str
    version: str


class SignatureView(TypedDict):
    id: str
    subject: str
    by: str
    at: Time
    role: str
    note: str
    withdrawn_at: Time | None


class DependencyView(TypedDict):
    on_service: str
    what: str
    found_at: Time
    why: str


class ReleaseDetail(ReleaseView):
    """A release with its way through the stages."""

    author: str | None
    kind: str
    started_by: str | None
    policy_digest: str | None
    pin: str | None
    run_id: str | None
    """Of the present stage's playbook."""
    wanted_by: str | None
    second_person: str | None
    live_at: Time | None
    watched_at: Time | None
    endorsed_at: Time | None
    endorsed_by: str | None
    retrospective_due_at: Time | None
    retrospective_at: Time | None
    retrospective: str
    verdict: str
    """Over the gates of the present stage."""
    stages: list[StageView]
    manifest: dict[str, Any]
    evidence: list[EvidenceView]
    signatures: list[SignatureView]
    unplanned_dependencies: list[DependencyView]


class GateAnswer(TypedDict):
    """What the gates of a service say as things are known; `/judge` has them run."""

    service: str
    verdict: str
    why: str
    release_id: str | None
    candidate: str | None
    stage: str | None
    gates: list[GateView]
