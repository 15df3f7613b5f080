"""The JSON document of evidence: figures that were measured elsewhere, read strictly into frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StrictInt, StrictStr, ValidationError, model_validator

from bot.domain.errors import BadInput
from bot.domain.fields import Strict
from bot.domain.strict_json import parse_json
from bot.evidence.kinds import LIMITS, Limits, unpacked_json
from bot.statistics.estimates import Estimate

MOST_NAMES = 2000
LAST_SAMPLE = "the last of its samples"
"""The method of a figure whose `n` counts samples over time, not rows: no interval of a share follows from it."""
_MOST_FAULTS = 3


def _number(value: object) -> object:
    """Numbers only: neither true nor "0.9" is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is needed here")  # noqa: TRY004 - pydantic reports ValueError only
    return float(value)


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Count = Annotated[StrictInt, Field(ge=0, le=2**53)]
Key = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Digest = Annotated[StrictStr, Field(pattern=r"^[a-z0-9]{2,20}:[0-9a-fA-F]{32,128}$")]


class Figure(Strict):
    """One figure: a number alone, or with its interval and the number of rows behind it."""

    value: Number
    low: Number | None = None
    high: Number | None = None
    n: Count | None = None
    method: StrictStr = Field("as sent", max_length=200)

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        return {"value": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has both ends, low and high")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError("the value lies outside its own interval")
        return self

    def estimate(self) -> Estimate:
        """The figure; without an interval both ends are infinite, without `n` it is from 0 rows."""
        low = float("-inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        return Estimate(self.value, low, high, self.n or 0, self.method)


def _share_n(value: Any) -> Any:
    """`{"p99": 31.5, "n": 1000}`: the n belongs to each figure that has none of its own."""
    if not isinstance(value, dict) or not isinstance(value.get("n"), int):
        return value
    rest = {name: one for name, one in value.items() if name != "n"}
    return {name: _with_n(one, value["n"]) for name, one in rest.items()}


def _with_n(figure: Any, n: int) -> Any:
    if isinstance(figure, dict):
        return {"n": n, **figure}
    return {"value": figure, "n": n}


Named = Annotated[dict[Key, Figure], BeforeValidator(_share_n), Field(max_length=MOST_NAMES)]


class Figures(Strict):
    """Figures of one version, or of one slice of it."""

    metrics: Named = Field(default_factory=dict)
    latency_ms: Named = Field(default_factory=dict)
    """Quantiles in milliseconds: p50, p95, p99."""
    memory_mib: Named = Field(default_factory=dict)
    """peak and mean, in MiB."""

    def figure(self, name: str) -> Figure | None:
        """By name: a metric, or `latency_ms.p99`, `memory_mib.peak`."""
        group, _, inner = name.partition(".")
        if group in ("latency_ms", "memory_mib") and inner:
            named: Mapping[str, Figure] = getattr(self, group)
            return named.get(inner)
        return self.metrics.get(name)


class Feature(Strict):
    """One feature now and in its reference: raw values, or counts of the same cells."""

    values: list[StrictStr | Number | None] | None = None
    reference: list[StrictStr | Number | None] | None = None
    counts: list[Number] | dict[Key, Number] | None = None
    """In the order of the cells, or by category."""
    reference_counts: list[Number] | dict[Key, Number] | None = None

    @model_validator(mode="after")
    def _both_sides(self) -> Self:
        has_values = self.values is not None and self.reference is not None
        has_counts = self.counts is not None and self.reference_counts is not None
        if has_values == has_counts or (self.values is None) != (self.reference is None):
            raise ValueError("either values and reference, or counts and reference_counts are needed")
        if has_counts and isinstance(self.counts, list) != isinstance(self.reference_counts, list):
            raise ValueError("counts and reference_counts are both lists or both by category")
        if isinstance(self.counts, list) and len(self.counts) != len(self.reference_counts or ()):
            raise ValueError("counts and reference_counts are of the same cells")
        return self


class Document(Figures):
    """The whole document; the figures at its top are the candidate's."""

    incumbent: Figures | None = None
    slices: dict[Key, Figures] = Field(default_factory=dict, max_length=MOST_NAMES)
    features: dict[Key, Feature] = Field(default_factory=dict, max_length=MOST_NAMES)
    digests: dict[Key, Digest] = Field(default_factory=dict, max_length=MOST_NAMES)
    data_schema: dict[str, Any] | None = Field(None, alias="schema")
    """A schema as `bot.evidence.schemas` reads it."""


_PARTS = frozenset(field.alias or name for name, field in Document.model_fields.items())


def read_document(raw: bytes, limits: Limits = LIMITS) -> Document:
    """The document out of JSON, packed with gzip or not. BadInput says which part of it is wrong."""
    return document_of(parse_json(unpacked_json(raw, limits)))


def document_of(value: Any) -> Document:
    """The document out of JSON that was parsed already."""
    if not isinstance(value, dict):
        raise BadInput("The evidence is no object", next='send figures like {"metrics": {"f1": 0.93}}')
    try:
        return Document.model_validate(_known(value))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        faults = [f"{_place(one['loc'])}: {one['msg'].removeprefix('Value error, ')}" for one in found[:_MOST_FAULTS]]
        more = f", and {len(found) - _MOST_FAULTS} more" if len(found) > _MOST_FAULTS else ""
        raise BadInput("The evidence cannot be used", why="; ".join(faults) + more) from error


def _known(value: dict[str, Any]) -> dict[str, Any]:
    """The parts that are read; whatever else the sender keeps there (a run, a commit) stays in the raw evidence.

    An object of plain figures only, `{"f1": 0.93, "auc": 0.97}`, is one of metrics.
    """
    known = {name: one for name, one in value.items() if name in _PARTS}
    if known or not value:
        return known
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in value.values()):
        return {"metrics": value}
    parts = ", ".join(sorted(_PARTS))
    raise BadInput(
        f"The evidence holds nothing that is read: {', '.join(sorted(value)[:5])}"[:300],
        why=f"the parts that are read are {parts}",
        next='send figures like {"metrics": {"f1": 0.93}}',
    )


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:60] for part in parts) or "the document"
