"""What the page of an incident shows of its record, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.report_facts import FIELDS, WRITTEN

Record = Mapping[str, Any]

_FAILED = ("failed", "dead")
_CLOSED = ("done", "withdrawn")


def arranged(view: Record) -> dict[str, Any]:
    """The parts of an incident's view that people made, ready for the page."""
    items = sorted([*view["action_items"], *_unsure(view, "action_item")], key=_urgency)
    told = [_decision(one) for one in view["decisions"] if one["kind"] == "decision"]
    return {
        "owner": view["owner"],
        "offered_to": view["offered_to"],
        "report": _report(view["report"]),
        "verdicts": [one for one in view["decisions"] if one["kind"] == "verdict"],
        "team_decisions": [*told, *_unsure(view, "decision")],
        "action_items": [_heard(one) for one in items],
        "overdue": sum(one["overdue"] for one in items),
        "questions": sorted(
            map(_heard, [*view["questions"], *_unsure(view, "question")]), key=lambda one: bool(one["answer"])
        ),
        "withdrawn": view["withdrawn"],
        "meetings": view["meetings"][::-1],
        "notices": by_audience(view["notices"]),
        "undelivered": sum(one["status"] in _FAILED or bool(one["tried"]) for one in view["notices"]),
    }


def _unsure(view: Record, kind: str) -> list[Record]:
    """What was heard of a kind but not said for certain."""
    return [_heard(one) for one in view["suggested"] if one["kind"] == kind]


def _heard(item: Record) -> Record:
    """An item with where it was heard beside it."""
    source = item["source"]
    return {**item, **{name: source.get(name) for name in ("quote", "line", "why_uncertain")}}


def _decision(told: Record) -> Record:
    """A decision of the team as an item; it has been said for certain."""
    about = {"status": "done", "by": told["actor"], "reason": told["why"], "answer": told["choice"]}
    return {**told, **about, "line": None}


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
            if name not in WRITTEN:
                continue
        rows.append({"name": name, "label": field.label, "hint": field.hint, **told})
    return rows


def by_audience(notices: Iterable[Record]) -> dict[str, list[Record]]:
    """Notices in their order, for each audience; people come behind the audiences."""
    found: dict[str, list[Record]] = {}
    for notice in sorted(notices, key=lambda one: str(one["audience"]).startswith("person:")):
        found.setdefault(notice["audience"], []).append(notice)
    return found
