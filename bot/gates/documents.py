"""The gate `documents`: the papers of a release are there, and were looked over recently."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from bot.domain.conditions import Compile
from bot.domain.fields import Name, PositiveDuration
from bot.domain.gates import Figure, Judgement
from bot.domain.manifests import Paper, papers_of, read_manifest
from bot.domain.times import format_duration
from bot.evidence.bounds import number_words, together
from bot.evidence.kept import mapping, number
from bot.gate_plugins import GateContext, GateParams, Measured

EMPTY_WORDS = frozenset({"todo", "tbd", "tba", "n/a", "na", "none", "-", "...", "…", "?", "to do", "to be done"})
"""What people write where nothing is written yet."""
DAY = 86_400.0
AHEAD = timedelta(days=1)
"""So much may clocks and time zones be apart."""


class DocumentsParams(GateParams):
    """`require`: names of documents in the manifest; `max_age`: since they were last reviewed."""

    require: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
    max_age: PositiveDuration | None = None


class Documents:
    """Every document that is required is there and not stale. Never reviewed, where an age is asked for: unknown."""

    name: ClassVar[str] = "documents"
    summary: ClassVar[str] = "The documents of the release are there and not stale"
    Params: ClassVar[type[GateParams]] = DocumentsParams

    def title(self, params: DocumentsParams) -> str:
        """`rollback_plan present, reviewed within 90d`."""
        names = ", ".join(params.require[:3])
        more = f" and {len(params.require) - 3} more" if len(params.require) > 3 else ""
        age = f", reviewed within {format_duration(params.max_age)}" if params.max_age else ""
        return f"{names}{more} present{age}"

    def collect(self, params: DocumentsParams, ctx: GateContext) -> Measured:
        """Which documents there are, and how old their reviews."""
        if not ctx.manifest:
            words = "the release has no manifest, so it has no documents; start it with --manifest FILE"
            return Measured(problem=words)
        papers = papers_of(read_manifest(dict(ctx.manifest)))
        return Measured({"documents": {name: _facts(papers.get(name), ctx) for name in params.require}})

    def judge(self, params: DocumentsParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """Absent or stale fails; without a date where an age is asked for, unknown."""
        documents = mapping(measured.facts.get("documents"))
        judged = [_judge(name, documents.get(name), params.max_age) for name in params.require]
        found = together(judged)
        good = [f"{len(params.require)} documents are there"] if found.verdict == "pass" else [found.why]
        return Judgement(found.verdict, good[0], found.figures, dict(documents))


def _facts(paper: Paper | None, ctx: GateContext) -> dict[str, Any]:
    if paper is None:
        return {"present": False}
    facts: dict[str, Any] = {"present": not _says_nothing(paper), "reviewed_by": (paper.reviewed_by or "")[:200]}
    if paper.reviewed_at is not None:
        facts["reviewed_at"] = paper.reviewed_at.isoformat()
        facts["age_days"] = (ctx.now - paper.reviewed_at).total_seconds() / DAY
    return facts


def _says_nothing(paper: Paper) -> bool:
    return not paper.link and paper.text.strip().rstrip(".!").lower() in EMPTY_WORDS | {""}


def _judge(name: str, one: object, max_age: timedelta | None) -> Judgement:
    if not isinstance(one, Mapping) or "present" not in one:
        return Judgement.unknown(f"{name} was not looked for", Figure("present", None, "at least 1", subject=name))
    if one["present"] is not True:
        figure = Figure("present", 0.0, "at least 1", subject=name)
        return Judgement.failed(f"{name} is missing from the manifest", figure)
    if max_age is None:
        return Judgement.passed(f"{name} is there", Figure("present", 1.0, "at least 1", subject=name))
    most = max_age.total_seconds() / DAY
    words, age = f"at most {number_words(most)} days", number(one.get("age_days"))
    if age is None:
        figure = Figure("age of its review", None, words, subject=name, unit="days")
        return Judgement.unknown(f"{name} does not say when it was reviewed (reviewed_at), {words} are wanted", figure)
    figure = Figure("age of its review", age, words, subject=name, unit="days")
    if age < -AHEAD.total_seconds() / DAY:
        return Judgement.unknown(f"{name} was reviewed {number_words(-age)} days in the future", figure)
    said = f"{name} was reviewed {number_words(max(age, 0.0))} days ago, {words} are wanted"
    return Judgement.passed(said, figure) if age <= most else Judgement.failed(said, figure)
