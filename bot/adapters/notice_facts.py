"""The facts of a notice in the shape that its templates are promised: every documented name is there, always."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.records import Notice
from bot.domain.report_facts import FIELDS
from bot.domain.times import format_time

RECORDS: Mapping[str, tuple[str, ...]] = {
    "incident": (
        "id", "title", "severity", "status", "opened_at", "alerts", "revision", "owner", "environment", "url",
    ),
    "release": (
        "id", "incumbent", "candidate", "status", "state", "stage", "kind", "emergency", "started_by", "started_at",
        "second_person", "author", "retrospective_due_at", "url",
    ),
    "run": (
        "id", "playbook", "kind", "summary", "status", "criterion", "authority", "requested_by", "approved_by",
        "plan_hash", "drill", "deadline", "within", "late", "seconds", "seconds_to_first_action", "error",
        "stopped_at", "steps", "step", "proof",
    ),
    "alert": ("source", "title", "status", "severity", "starts_at", "link", "labels", "annotations"),
    "item": (
        "id", "kind", "text", "owner", "due_at", "due_text", "overdue", "status", "by", "answer", "answered_by",
        "options", "reason", "evidence", "source_link", "quote", "line", "why_uncertain",
    ),
    "meeting": (
        "id", "uid", "sequence", "status", "starts_at", "ends_at", "started_at", "ended_at", "link", "called_by",
    ),
    "answer": ("status", "by", "at"),
    "postmortem": (
        "state", "due_at", "overdue", "reminders", "owner", "roles", "url", "escalated", "lessons", "proposed",
    ),
    "brief": (
        "objective", "expected_effect", "success_measures", "acceptable_risk", "alternatives", "depends_on",
        "risk_assessment", "impact_analysis", "rollout_plan", "rollback_plan",
    ),
    "canary": ("output", "tolerance", "automatic", "authority", "within", "watch"),
    "drill": (
        "id", "name", "environment", "playbook", "state", "slot", "due_at", "objective", "failure", "surprise",
        "requested_by", "actor", "why", "url", "seconds", "human", "incident",
    ),
}  # fmt: skip
"""Facts that are records: every key is there in every notice, null where nobody knows it."""

FIGURES: Mapping[str, tuple[str, ...]] = {
    "metric": ("name", "before", "now", "change_percent", "unit"),
    "confidence_interval": ("low", "high", "level", "threshold"),
    "reproduced": ("times", "of"),
}
"""The parts of `figures`: the numbers themselves, where they were reported."""

WORDS = (
    "service", "summary", "environment", "reason", "criterion", "by", "question", "role", "expires_at", "text",
    "source", "event", "problem", "address", "zone", "owner", "to", "draft", "grace_until", "next_at", "next_update",
    "stage", "passed", "wanted_by", "endorse_role", "window", "watch", "since", "within",
)  # fmt: skip
"""Facts that are text: there in every notice, empty where nobody knows them."""

VALUES = ("slots", "level", "measured", "duration_seconds", "halted", "emergencies", "emergency_days", "acts")
"""Facts that are a number or yes or no; null where nobody knows them."""

LISTS: Mapping[str, tuple[str, ...]] = {
    "members": (),
    "agenda": (),
    "left": (),
    "rehearsed": ("what", "at", "seconds"),
    "invitees": (),
    "key_points": (),
    "wanted": (),
    "runs": (),
    "approvals": (),
    "promises": (),
    "changes": ("label", "was", "now"),
    "alternatives": ("option", "why_not"),
    "watched": ("query", "condition", "state", "value", "low", "high", "samples", "why"),
    "decisions": RECORDS["item"],
    "action_items": RECORDS["item"],
    "questions": RECORDS["item"],
    "remaining": RECORDS["item"],
    "endorsers": (),
    "freezes": (),
    "stages": ("name", "summary", "gates", "do", "owner", "advance", "environment", "window"),
    "criteria": ("name", "when", "playbook", "automatic", "authority", "members", "within"),
    "results": ("gate", "use", "verdict", "why", "figures"),
    "open_by_role": ("role", "open"),
    "unplanned": ("on", "what", "why"),
    "needed": ("role", "members"),
}
"""Facts that are lists, with the keys of their records; those without keys hold text."""

MAPS = ("report", "sources", "asked")
"""Facts by field of the halt report: what is known in words, where it comes from, who was asked for what is not."""

_STEP = ("id", "use", "status", "error", "seconds")
_CURRENT = ("number", "of", "id", "status")
_STOPPED = ("id", "status", "error")
_FIGURE = ("name", "value", "threshold", "low", "high", "n", "subject", "unit")
_PAPERS = ("risk_assessment", "impact_analysis", "rollout_plan", "rollback_plan")
_PAPER = ("text", "link")


def facts_of(notice: Notice) -> dict[str, Any]:
    """What a template reads: the notice's facts, every documented one present, besides `audience` and `revision`.

    TypeError and ValueError where a fact is of another kind than promised.
    """
    facts = dict(notice.facts)
    shaped: dict[str, Any] = dict.fromkeys(WORDS, "") | dict.fromkeys(VALUES) | {"people": {}} | facts
    shaped |= {name: _record(facts.get(name), keys) for name, keys in RECORDS.items()}
    shaped |= {name: _list(facts.get(name), keys) for name, keys in LISTS.items()}
    shaped |= {name: _by_field(facts.get(name)) for name in MAPS}
    figures = facts.get("figures") or {}
    shaped["figures"] = {name: _record(figures.get(name), keys) for name, keys in FIGURES.items()}
    shaped["service"] = facts.get("service") or notice.service
    shaped["as_of"] = facts.get("as_of") or format_time(notice.due_at)
    shaped["zone"] = facts.get("zone") or "UTC"
    shaped["run"] = _run(shaped["run"])
    shaped["brief"] = _brief(shaped["brief"])
    here = next((one for one in shaped["stages"] if one["name"] == shaped["release"]["stage"]), None)
    shaped["here"] = _record(here, LISTS["stages"])
    shaped["results"] = [one | {"figures": _list(one["figures"], _FIGURE)} for one in shaped["results"]]
    shaped["item"]["options"] = shaped["item"]["options"] or []
    shaped["open_questions"] = [one for one in shaped["questions"] if not one["answer"]]
    shaped["answered_questions"] = [one for one in shaped["questions"] if one["answer"]]
    shaped["reported"] = _reported(shaped)
    return shaped | {"notice": notice.name, "audience": notice.audience, "revision": notice.revision}


def _record(found: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(found, str) and "id" in keys:
        found = {"id": found}  # a notice about Andon itself names a run by its id alone
    return dict.fromkeys(keys) | dict(found or {})


def _list(found: Any, keys: tuple[str, ...]) -> list[Any]:
    return [_record(one, keys) if keys else one for one in found or ()]


def _by_field(found: Any) -> dict[str, Any]:
    return dict.fromkeys(FIELDS) | dict(found or {})


def _run(run: dict[str, Any]) -> dict[str, Any]:
    return run | {
        "steps": _list(run["steps"], _STEP),
        "proof": run["proof"] or [],
        "stopped_at": _record(run["stopped_at"], _STOPPED),
        "step": _record(run["step"], _CURRENT),
    }


def _brief(brief: dict[str, Any]) -> dict[str, Any]:
    lists = {name: brief[name] or [] for name in ("success_measures", "alternatives", "depends_on")}
    return brief | lists | {name: _record(brief[name], _PAPER) for name in _PAPERS}


def _reported(shaped: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The halt report in its order, what else was said behind it: {name, label, text, source, asked} each."""
    return [
        {
            "name": name,
            "label": FIELDS[name].label if name in FIELDS else name.replace("_", " "),
            "text": text,
            "source": shaped["sources"].get(name),
            "asked": shaped["asked"].get(name),
        }
        for name, text in shaped["report"].items()
    ]
