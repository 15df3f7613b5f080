"""The manifest of a release: what it is for, what may go wrong, what exactly is released, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, StrictStr, ValidationError

from bot.domain.errors import BadInput
from bot.domain.fields import Digest, Name, Strict
from bot.domain.strict_json import storable

Prose = Annotated[StrictStr, Field(max_length=20_000), AfterValidator(storable)]
Line = Annotated[StrictStr, Field(min_length=1, max_length=2_000), AfterValidator(storable)]

MOST_BYTES = 1024 * 1024


class Paper(Strict):
    """A document of a release: its words, or where it is, and when it was last looked over."""

    text: Prose = ""
    link: Annotated[StrictStr, Field(max_length=2_000), AfterValidator(storable)] | None = None
    reviewed_at: AwareDatetime | None = None
    reviewed_by: Line | None = None
    digest: Digest | None = None

    @property
    def is_present(self) -> bool:
        """There is something to read."""
        return bool(self.text.strip() or self.link)


class Dependency(Strict):
    """Something this release needs of another service or data pipeline."""

    service: Name
    version: Line | None = None
    features: tuple[Line, ...] = ()
    why: Prose = ""


class Manifest(Strict):
    """As it is given with `--manifest` (JSON or YAML) or to the API. Everything but the objective may be left out."""

    objective: Prose = ""
    """What this release is for, in words that every audience understands."""
    success_measures: tuple[Line, ...] = ()
    expected_effect: Prose = ""
    alternatives: tuple[Line, ...] = ()
    acceptable_risk: Prose = ""
    risk_assessment: Paper = Paper()
    impact_analysis: Paper = Paper()
    rollout_plan: Paper = Paper()
    rollback_plan: Paper = Paper()
    documents: Mapping[Name, Paper] = Field(default_factory=dict, max_length=50)
    """Any other document that a gate asks for."""
    artifacts: Mapping[Line, Digest] = Field(default_factory=dict, max_length=200)
    """Digests of what was tested and is to be deployed, by name: `model`, `image`."""
    incumbent_artifacts: Mapping[Line, Digest] = Field(default_factory=dict, max_length=200)
    data_schema: Mapping[str, Any] = Field(default_factory=dict)
    """JSON Schema, or `{"fields": [{"name", "type", "nullable", "categories"}]}`."""
    feature_steps: tuple[Line, ...] = Field(default=(), max_length=500)
    """How features are made, in order."""
    features: tuple[Line, ...] = Field(default=(), max_length=2_000)
    """Features that the candidate reads, as `service.feature` where another service makes them."""
    provides: tuple[Line, ...] = Field(default=(), max_length=2_000)
    """Features and schemas that others may read."""
    environment_lock: Prose = ""
    dataset: Mapping[str, Any] = Field(default_factory=dict)
    """Where its data came from."""
    dependencies: tuple[Dependency, ...] = Field(default=(), max_length=200)
    author: Line | None = None
    """Who made the candidate: never the one who alone lifts a halt of it, nor the second person of an emergency."""
    approved_by_research_at: AwareDatetime | None = None


def read_manifest(found: object) -> Manifest:
    """A manifest out of plain values. BadInput that names the first key that is wrong and what is allowed."""
    try:
        return Manifest.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the manifest"
        message = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{place} of the manifest cannot be used", why=message, next="see docs/releases.md") from None


def papers_of(manifest: Manifest) -> dict[str, Paper]:
    """Every document that is there, by the name by which gates ask for it."""
    own = ("risk_assessment", "impact_analysis", "rollout_plan", "rollback_plan")
    named = {name: getattr(manifest, name) for name in own} | dict(manifest.documents)
    return {name: paper for name, paper in named.items() if paper.is_present}


def is_stale(paper: Paper, now: datetime, max_age_days: float) -> bool | None:
    """Whether it was looked over too long ago; None where nobody said when."""
    if paper.reviewed_at is None:
        return None
    return (now - paper.reviewed_at).total_seconds() > max_age_days * 86_400
