"""Playbooks: declared, ordered lists of steps for one kind of trouble, as their YAML says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import Field, model_validator

from bot.domain.fields import Name, PositiveDuration, Strict


class PlaybookKind(StrEnum):
    """What a playbook does to a release; one that promotes runs only out of a passed stage."""

    HALT = "halt"
    ROLLBACK = "rollback"
    PROMOTE = "promote"
    DRILL = "drill"
    OTHER = "other"


class IfInterrupted(StrEnum):
    """What a step found with an intent and no outcome does: safe twice, look first, or ask a person."""

    REPEAT = "repeat"
    CHECK = "check"
    ASK = "ask"


class OnFailure(StrEnum):
    """What a run does when a step cannot succeed."""

    STOP = "stop"
    UNDO = "undo"


class ActionSpec(Strict):
    """One verb with its parameters, as written (values may be templates)."""

    use: Name
    with_: Mapping[str, Any] = Field(default_factory=dict, alias="with")


class StepSpec(ActionSpec):
    """One step. `if_interrupted` is filled in by the loader: repeat for reads, else ask."""

    id: Name
    timeout: PositiveDuration = timedelta(seconds=30)
    tries: int | None = Field(default=None, ge=1, le=100, strict=True)
    """Unset: 3 for a step that may be repeated, 1 for the others."""
    if_interrupted: IfInterrupted | None = None
    check: ActionSpec | None = None
    undo: ActionSpec | None = None

    @property
    def most_tries(self) -> int:
        """How often the step may be performed before its run stops; an interruption is not a try."""
        return self.tries or (3 if self.if_interrupted is IfInterrupted.REPEAT else 1)


class Playbook(Strict):
    """A whole playbook. A run keeps the copy it runs."""

    playbook: Name
    kind: PlaybookKind = PlaybookKind.ROLLBACK
    summary: str = Field(default="", max_length=500)
    on_failure: OnFailure = OnFailure.STOP
    steps: tuple[StepSpec, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _step_ids_differ(self) -> Self:
        seen: set[str] = set()
        for step in self.steps:
            if step.id in seen:
                raise ValueError(f"two steps are called {step.id!r}")
            seen.add(step.id)
        return self

    @property
    def name(self) -> str:
        """The name by which policies and people call it."""
        return self.playbook

    @cached_property
    def plain(self) -> Mapping[str, Any]:
        """As it is written in YAML, in plain values. Made once: every run of it is planned and kept with these."""
        return self.model_dump(mode="json", by_alias=True)

    @cached_property
    def canonical(self) -> str:
        """The same as JSON, in the one form that is hashed."""
        return _canonical(self.plain)


def plan_hash(playbook: Playbook, facts: Mapping[str, Any]) -> str:
    """Digest of exactly what a run would do: an approval names it and holds for nothing else."""
    # The JSON of a map with these two keys, of which one is written once for all runs.
    text = f'{{"facts":{_canonical(facts)},"playbook":{playbook.canonical}}}'
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
