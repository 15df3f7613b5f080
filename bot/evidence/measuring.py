"""A named figure out of evidence, whichever form it came in: a document of figures, or raw rows.

Columns of rows: `label`, `prediction`, `score`, `latency_ms`, `memory_mib`, `error`, `slice`; the incumbent's are
`incumbent_prediction`, `incumbent_score` and so on. Rows without a label are left out; a row that has a label but lacks
the answer leaves the figure unknown, because leaving it out would flatter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from bot.domain.strict_json import parse_json
from bot.evidence.figures import Document, Figures, document_of
from bot.evidence.json_rows import rows_of
from bot.evidence.kinds import LIMITS, Kind, Limits, unpacked_json
from bot.evidence.prometheus_figures import figures_of_answer, is_answer
from bot.evidence.rows import Rows, read_rows
from bot.statistics.estimates import CONFIDENCE, Measured, Unknown, difference, proportion

Evidence = Document | Rows

OF_PREDICTIONS = ("accuracy", "precision", "recall", "f1", "f1_macro", "rmse", "mae", "r2")
OF_SCORES = ("auc", "log_loss", "brier")
OF_A_POSITIVE = ("precision", "recall", "f1", "auc", "log_loss", "brier", "positive_rate")
NO = frozenset({0, "0", "false", "False", "no", "negative"})


class Side(StrEnum):
    """Whose figure."""

    CANDIDATE = "candidate"
    INCUMBENT = "incumbent"


@dataclass(frozen=True)
class Asked:
    """Which figure, and how."""

    name: str
    """A metric, `latency_ms.p99`, `memory_mib.peak`, `error_rate`, `positive_rate`, or `mean.` and a column."""
    slice: str | None = None
    positive: Any = None
    """The positive class where it is not one of 1, true, yes, positive."""
    confidence: float = CONFIDENCE


def read_evidence(raw: bytes, kind: Kind, limits: Limits = LIMITS, name: str = "value") -> Evidence:
    """A JSON object is a document of figures, or an answer of Prometheus, whose figures without a name of their own get
    this one; a JSON list and all other kinds are rows. BadInput as those say."""
    if kind is not Kind.JSON:
        return read_rows(raw, kind, limits)
    return evidence_of(parse_json(unpacked_json(raw, limits)), limits, name)


def evidence_of(value: Any, limits: Limits = LIMITS, name: str = "value") -> Evidence:
    """The same of JSON that was parsed already."""
    if isinstance(value, list):
        return rows_of(value, limits)
    return figures_of_answer(value, name) if is_answer(value) else document_of(value)


def measure(evidence: Evidence, asked: Asked, side: Side = Side.CANDIDATE) -> Measured:
    """The figure, or why there is none. BadInput where the rows hold what cannot be counted."""
    if isinstance(evidence, Document):
        return _of_document(evidence, asked, side)
    rows = _sliced(evidence, asked.slice)
    if isinstance(rows, Unknown):
        return rows
    if asked.name in (*OF_PREDICTIONS, *OF_SCORES):
        return _metric(rows, asked, side)
    return _of_columns(rows, asked, side)


def change(evidence: Evidence, asked: Asked) -> Measured:
    """Candidate minus incumbent: paired where the rows carry both, else from two independent intervals."""
    if isinstance(evidence, Rows) and asked.name in (*OF_PREDICTIONS, *OF_SCORES):
        rows = _sliced(evidence, asked.slice)
        return rows if isinstance(rows, Unknown) else _paired(rows, asked)
    now, was = (measure(evidence, asked, side) for side in (Side.CANDIDATE, Side.INCUMBENT))
    if isinstance(now, Unknown) or isinstance(was, Unknown):
        sides = [f"{side}: {one.why}" for side, one in zip(Side, (now, was), strict=True) if isinstance(one, Unknown)]
        return Unknown("; ".join(sides))
    return difference(now, was)


def _of_document(document: Document, asked: Asked, side: Side) -> Measured:
    figures: Figures | None = document
    if asked.slice is not None:
        if side is Side.INCUMBENT:
            return Unknown("a document carries no slices of the incumbent; send rows")
        figures = document.slices.get(asked.slice)
        if figures is None:
            return Unknown(f"the evidence has no slice {asked.slice!r}")
    elif side is Side.INCUMBENT:
        figures = document.incumbent
        if figures is None:
            return Unknown("the evidence carries no figures of the incumbent")
    found = figures.figure(asked.name) if figures else None
    return found.estimate() if found else Unknown(f"the evidence has no figure {asked.name!r}")


def _sliced(rows: Rows, name: str | None) -> Rows | Unknown:
    if name is None:
        return rows if rows.n else Unknown("the evidence has no rows")
    if "slice" not in rows.columns:
        return Unknown("the evidence has no column 'slice'")
    kept = [number for number, cell in enumerate(rows.columns["slice"]) if slice_name(cell) == name]
    return rows.at(kept) if kept else Unknown(f"the slice {name!r} is empty")


def slice_name(cell: Any) -> str:
    """The name of a row's slice as text, "" where it names none."""
    return "" if cell is None else str(cell)


def _metric(rows: Rows, asked: Asked, side: Side) -> Measured:
    from bot.statistics import metrics

    columns = answered(rows, asked, (column_of(asked.name, side),))
    if isinstance(columns, Unknown):
        return columns
    found: Measured = getattr(metrics, asked.name)(*columns, **options(asked))
    return found


def _paired(rows: Rows, asked: Asked) -> Measured:
    from bot.statistics import changes

    columns = answered(rows, asked, tuple(column_of(asked.name, side) for side in (Side.INCUMBENT, Side.CANDIDATE)))
    if isinstance(columns, Unknown):
        return columns
    found: Measured = getattr(changes, asked.name)(*columns, **options(asked))
    return found


def column_of(metric: str, side: Side) -> str:
    """The column of rows that this metric of this side reads."""
    return _named("score" if metric in OF_SCORES else "prediction", side)


def options(asked: Asked) -> dict[str, Any]:
    """What the function of this metric takes besides its columns."""
    of_positive = {"positive": asked.positive} if asked.name in OF_A_POSITIVE else {}
    return {"confidence": asked.confidence, **of_positive}


def answered(rows: Rows, asked: Asked, names: tuple[str, ...]) -> list[Sequence[Any]] | Unknown:
    """`label` and the named columns, over the rows with a label; unknown where one of them lacks its answer."""
    absent = [name for name in ("label", *names) if name not in rows.columns]
    if absent:
        return Unknown(f"the evidence has no column {absent[0]!r}")
    labels = rows.columns["label"]
    kept = [number for number, cell in enumerate(labels) if cell is not None]
    columns: list[Sequence[Any]] = [[rows.columns[name][number] for number in kept] for name in ("label", *names)]
    if not kept:
        return Unknown("no row has a label")
    for name, column in zip(names, columns[1:], strict=True):
        lacking = sum(cell is None for cell in column)
        if lacking:
            return Unknown(f"{lacking} of {len(kept)} rows with a label have no {name}", len(kept))
    if asked.name in OF_A_POSITIVE:
        doubt = _doubt_of_positive(columns[0], asked.positive)
        if doubt:
            return Unknown(doubt, len(kept))
    return columns


def _doubt_of_positive(labels: Sequence[Any], positive: Any) -> str:
    from bot.statistics.answers import YES

    if positive is not None:
        return "" if positive in labels else f"no label is the positive class {positive!r}"
    other = next((cell for cell in labels if cell not in YES and cell not in NO), None)
    return "" if other is None else f"labels like {str(other)[:60]!r} do not tell which class is the positive one"


def _of_columns(rows: Rows, asked: Asked, side: Side) -> Measured:
    from bot.statistics import metrics, quantiles
    from bot.statistics.answers import positives

    group, _, inner = asked.name.partition(".")
    level = asked.confidence
    if asked.name == "positive_rate":
        return _share(rows, _named("prediction", side), lambda cells: positives(cells, asked.positive).sum(), level)
    if asked.name == "error_rate":
        return _errors(rows, _named("error", side), level)
    take: Callable[[Sequence[Any]], Measured] | None = None
    if group == "latency_ms" and inner in quantiles.SHARES:
        take = partial(quantiles.quantile, share=quantiles.SHARES[inner], confidence=level)
    elif group == "memory_mib" and inner == "peak":
        take = quantiles.peak
    elif inner and (group == "mean" or inner == "mean"):
        group = inner if group == "mean" else group
        take = partial(metrics.mean, confidence=level)
    return _over(rows, _named(group, side), take) if take else Unknown(f"rows give no figure {asked.name!r}")


def _errors(rows: Rows, name: str, level: float) -> Measured:
    cells = rows.columns.get(name)
    if cells is None:
        return Unknown(f"the evidence has no column {name!r}")
    return proportion(sum(_is_error(cell) for cell in cells), rows.n, confidence=level)


def _over(rows: Rows, name: str, take: Callable[[Sequence[Any]], Measured]) -> Measured:
    cells = rows.columns.get(name)
    if cells is None:
        return Unknown(f"the evidence has no column {name!r}")
    lacking = sum(cell is None for cell in cells)
    return Unknown(f"{lacking} of {rows.n} rows have no {name}", rows.n) if lacking else take(cells)


def _share(rows: Rows, name: str, count: Callable[[Sequence[Any]], Any], level: float) -> Measured:
    return _over(rows, name, lambda cells: proportion(int(count(cells)), rows.n, confidence=level))


def _is_error(cell: Any) -> bool:
    """Anything but nothing, false, 0 and their spellings is an error."""
    return cell is not None and cell not in NO and cell != ""


def _named(name: str, side: Side) -> str:
    return f"incumbent_{name}" if side is Side.INCUMBENT else name
