"""The gate `metric`: a figure of the candidate's quality against a bound, and against the incumbent's."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from bot.domain.conditions import Compile
from bot.domain.gates import Judgement
from bot.evidence.bounds import Bound, Held, number_words, too_few, unless
from bot.evidence.measuring import Asked
from bot.evidence.parameters import Count, EvidenceName, Label, Limit, NotNegative
from bot.evidence.readings import from_json
from bot.evidence.sides import look
from bot.gate_plugins import GateContext, GateParams, Measured

LOWER_IS_BETTER = frozenset(
    {"rmse", "mse", "mae", "mape", "log_loss", "logloss", "loss", "brier", "ece", "error_rate", "perplexity", "wer"}
)
"""Metrics of which less is better where a gate does not say; of every other more is."""
WHAT = 'figures like {"metrics": {"f1": {"value": 0.93, "n": 2000}}}, or rows with label and prediction'


class MetricParams(GateParams):
    """`metric`, and at least one of `at_least`, `at_most`, `max_drop` (absolute), `max_drop_ratio` (relative)."""

    metric: Label
    at_least: Limit | None = None
    at_most: Limit | None = None
    max_drop: NotNegative | None = None
    max_drop_ratio: Annotated[NotNegative, Field(lt=1)] | None = None
    better: Literal["higher", "lower"] | None = None
    confident: StrictBool | None = None
    min_n: Count | None = None
    evidence: EvidenceName = "evaluation"
    slice: Label | None = None
    by: Label | None = None
    positive: StrictStr | StrictInt | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        bounds = (self.at_least, self.at_most, self.max_drop, self.max_drop_ratio)
        if all(one is None for one in bounds):
            raise ValueError("say what is wanted: at_least, at_most, max_drop or max_drop_ratio")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most: nothing can pass")
        return self

    @property
    def is_lower_better(self) -> bool:
        """Whether a rise is the loss."""
        if self.better is not None:
            return self.better == "lower"
        return self.metric.lower().replace("-", "_").replace(" ", "_") in LOWER_IS_BETTER


class Metric:
    """Hold a figure against its bounds. The worse end of its interval has to keep them where it has one."""

    name: ClassVar[str] = "metric"
    summary: ClassVar[str] = "A figure of quality keeps its bound, and does not drop against the incumbent"
    Params: ClassVar[type[GateParams]] = MetricParams

    def title(self, params: MetricParams) -> str:
        """`f1 at least 0.9, at most 0.01 below the incumbent`."""
        words = [bound.words for _, _, bound in _bounds(params)]
        where = f" in {params.slice}" if params.slice else ""
        return f"{params.metric}{where} {', '.join(words)}"

    def collect(self, params: MetricParams, ctx: GateContext) -> Measured:
        """The figure of both sides out of the newest evidence."""
        asked = Asked(params.metric, slice=params.slice, positive=params.positive)
        pieces = ctx.evidence(params.evidence)
        found = look(pieces, ctx.release, asked, name=params.evidence, what=WHAT, by=params.by)
        return Measured(found.facts, evidence_ids=found.evidence_ids, problem=found.problem)

    def judge(self, params: MetricParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """Every bound, and enough rows."""
        facts = measured.facts
        held = [
            Held(_name(params, key), from_json(facts.get(key)), bound, subject, params.confident).judge()
            for key, subject, bound in _bounds(params)
        ]
        candidate = from_json(facts.get("candidate"))
        more: dict[str, Any] = {"incumbent": facts.get("incumbent"), "set_aside": facts.get("set_aside", [])}
        return unless([too_few(params.metric, candidate, params.min_n)], held, **more)


def _bounds(params: MetricParams) -> list[tuple[str, str, Bound]]:
    """The key of the fact, whose it is, and the bound."""
    found = []
    if params.at_least is not None:
        found.append(("candidate", "candidate", Bound(params.at_least, is_least=True)))
    if params.at_most is not None:
        found.append(("candidate", "candidate", Bound(params.at_most, is_least=False)))
    lower, way = params.is_lower_better, "above" if params.is_lower_better else "below"
    if params.max_drop is not None:
        said = f"at most {number_words(params.max_drop)} {way} the incumbent"
        limit = params.max_drop if lower else -params.max_drop
        found.append(("change", "difference", Bound(limit, is_least=not lower, said=said)))
    if params.max_drop_ratio is not None:
        said = f"at most {number_words(100 * params.max_drop_ratio)} % {way} the incumbent"
        limit = 1 + params.max_drop_ratio if lower else 1 - params.max_drop_ratio
        found.append(("ratio", "difference", Bound(limit, is_least=not lower, said=said)))
    return found


def _name(params: MetricParams, key: str) -> str:
    return {"change": f"change of {params.metric}", "ratio": f"ratio of {params.metric}"}.get(key, params.metric)
