"""The corpus of meetings: what each file holds, what was heard in it, and how the two compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from bot.domain.due_dates import zone_named
from bot.domain.heard import HeardItem, HeardKind, KnownPerson
from handlers.hearing import hear
from handlers.notes import read_notes

CORPUS = Path(__file__).resolve().parents[1] / "data" / "meetings"
HALVES = ("tuned", "held_out")
TOLERANCE = timedelta(minutes=1)
"""Recordings and Slack count seconds, the labels count minutes."""
BEGIN, ZONE = "2026-11-26T10:00+01:00", "Europe/Berlin"


@dataclass(frozen=True)
class Label:
    """One item that a file holds, as a person read it."""

    line: int
    kind: HeardKind
    owner: str | None = None
    due: datetime | None = None
    offered: bool = False

    @property
    def is_complete(self) -> bool:
        """An action with owner and due date: what the goal is about."""
        return self.kind is HeardKind.ACTION and self.owner is not None and self.due is not None and not self.offered


@dataclass(frozen=True)
class Meeting:
    """One file, what it holds, and what was heard in it."""

    name: str
    labels: tuple[Label, ...]
    heard: tuple[HeardItem, ...]


def is_complete(item: HeardItem) -> bool:
    """A certain action with owner and due date."""
    return item.kind is HeardKind.ACTION and item.certain and item.owner is not None and item.due_at is not None


def fits(label: Label, item: HeardItem) -> bool:
    """The same kind at the same line, and for a complete action the same owner and, within a minute, the same due."""
    if (label.line, label.kind) != (item.line, item.kind):
        return False
    if not label.is_complete:
        return label.owner is None or (item.owner or "").casefold() == label.owner.casefold()
    is_due = label.due is not None and item.due_at is not None and abs(label.due - item.due_at) < TOLERANCE
    return (item.owner or "").casefold() == (label.owner or "").casefold() and is_due


@dataclass
class Score:
    """Counts over a half. `misses` and `wrongs` name the files and lines."""

    right: int = 0
    misses: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of what was heard, the share that is labelled."""
        return self.right / (self.right + len(self.wrongs)) if self.right + len(self.wrongs) else 1.0

    @property
    def recall(self) -> float:
        """Of what is labelled, the share that was heard."""
        return self.right / (self.right + len(self.misses)) if self.right + len(self.misses) else 1.0


def complete_actions(meetings: list[Meeting]) -> Score:
    """The goal: certain actions with owner and due date, each label and each item counted once."""
    score = Score()
    for meeting in meetings:
        open_labels = [one for one in meeting.labels if one.is_complete]
        for item in filter(is_complete, meeting.heard):
            label = next((one for one in open_labels if fits(one, item)), None)
            if label is None:
                score.wrongs.append(f"{meeting.name}:{item.line} {item.owner} {item.text[:60]!r} {item.due_at}")
            else:
                open_labels.remove(label)
                score.right += 1
        score.misses += [f"{meeting.name}:{one.line} {one.owner} {one.due}" for one in open_labels]
    return score


def of_kind(meetings: list[Meeting], kind: HeardKind, *, certain: bool) -> Score:
    """Items of one kind by line; with `certain`, only what is asserted and what is labelled as certain counts."""
    score = Score()
    for meeting in meetings:
        open_labels = [one for one in meeting.labels if one.kind is kind and (not certain or not one.offered)]
        for item in meeting.heard:
            if item.kind is not kind or (certain and not item.certain):
                continue
            label = next((one for one in open_labels if one.line == item.line), None)
            if label is None:
                score.wrongs.append(f"{meeting.name}:{item.line} {item.text[:60]!r}")
            else:
                open_labels.remove(label)
                score.right += 1
        score.misses += [f"{meeting.name}:{one.line}" for one in open_labels]
    return score


def asserted_hedges(meetings: list[Meeting]) -> list[str]:
    """Labels that are only to be offered, and were asserted."""
    return [
        f"{meeting.name}:{label.line}"
        for meeting in meetings
        for label in meeting.labels
        if label.offered
        and any(one.line == label.line and one.kind is label.kind and one.certain for one in meeting.heard)
    ]


def people() -> list[KnownPerson]:
    """Who is known in every meeting of the corpus."""
    rows = yaml.safe_load((CORPUS / "people.yaml").read_text("utf-8"))
    return [KnownPerson(one["id"], one["name"], one["mail"], zone_named(one.get("zone"))) for one in rows]


def load(half: str) -> list[Meeting]:
    """Every meeting of a half, heard."""
    known = people()
    return [_meeting(path, raw, known) for path, raw in _files(half)]


def _files(half: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    expected = yaml.safe_load((CORPUS / half / "expected.yaml").read_text("utf-8"))
    for name, raw in expected.items():
        yield CORPUS / half / name, raw


def _meeting(path: Path, raw: Mapping[str, Any], known: list[KnownPerson]) -> Meeting:
    labels = tuple(
        Label(
            one["line"],
            HeardKind(one["kind"]),
            one.get("owner"),
            datetime.fromisoformat(one["due"]) if "due" in one else None,
            one.get("offered", False),
        )
        for one in raw["items"]
    )
    now, zone = _begin(raw.get("now", BEGIN)), ZoneInfo(raw.get("zone", ZONE))
    said = read_notes(path.read_bytes(), path.name)
    return Meeting(path.name, labels, tuple(hear(said, known, now, zone)))


def _begin(value: str | datetime) -> datetime:
    # YAML has times of its own, which come without the offset that they were written with.
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
