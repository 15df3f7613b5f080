"""What the page of an incident shows of its record, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.domain.report import FIELDS

Record = Mapping[str, Any]

_MINUTE = (
    "id", "at", "text", "owner", "due_at", "due_text", "overdue", "status", "by", "answer", "answered_by", "options",
    "reason", "evidence", "source_link", "quote", "line", "why_uncertain",
)  # fmt: skip
_MEETING = ("id", "status", "starts_at", "ends_at", "link", "called_by", "invitees", "agenda")
_FAILED = ("failed", "dead")
_CLOSED = ("done", "withdrawn")


def arranged(view: Record) -> dict[str, Any]:
    """The parts of an incident's view that people made, ready for the page."""
    decisions: Sequence[Record] = view["decisions"]
    items = sorted(_filled(view.get("action_items", ()), _MINUTE), key=_urgency)
    return {
        "owner": view.get("owner"),
        "offered_to": view.get("offered_to"),
        "report": _report(view.get("report", {})),
        "verdicts": [one for one in decisions if one.get("kind", "verdict") == "verdict"],
        "team_decisions": _filled((one for one in decisions if one.get("kind") == "decision"), _MINUTE),
        "action_items": items,
        "overdue": sum(bool(one["overdue"]) for one in items),
        "questions": sorted(_filled(view.get("questions", ()), _MINUTE), key=lambda one: bool(one["answer"])),
        "meetings": list(reversed(_filled(view.get("meetings", ()), _MEETING))),
        "notices": by_audience(view["notices"]),
        "undelivered": sum(one["status"] in _FAILED or bool(one.get("tried")) for one in view["notices"]),
    }


def _filled(records: Iterable[Record], keys: Sequence[str]) -> list[Record]:
    """With every key that the page looks at: null where a record does not say."""
    return [{**dict.fromkeys(keys), **one} for one in records]


def _urgency(item: Record) -> tuple[bool, bool, str]:
    """Open ones first, the overdue before the others, then by when they are due."""
    return item["status"] in _CLOSED, not item["overdue"], item["due_at"] or "9"


def _report(known: Record) -> list[dict[str, Any]]:
    """Every field of the halt report in its order; `text` is None where nobody knows it."""
    empty = dict.fromkeys(("value", "text", "source", "by", "at", "asked"))
    rows = []
    for name, field in FIELDS.items():
        told = {**empty, **(known.get(name) or {})}
        if told["value"] is None:
            told["text"] = None
        rows.append({"name": name, "label": field.label, "hint": field.hint, **told})
    return rows


def by_audience(notices: Iterable[Record]) -> dict[str, list[Record]]:
    """Notices in their order, for each audience; people come behind the audiences."""
    found: dict[str, list[Record]] = {}
    for notice in sorted(notices, key=lambda one: str(one["audience"]).startswith("person:")):
        found.setdefault(notice["audience"], []).append(notice)
    return found
