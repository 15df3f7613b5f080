"""Verdicts of gates as records: what is kept of them, the digest that the trail has, and what a halt says of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.domain.gates import Figure, GateResult, GateVerdict
from bot.domain.times import format_time
from bot.flow.gate_looking import Look

_NUMBER = re.compile(r"(?<![\w.])-?[0-9]+(?:\.[0-9]+)?(?![\w.])", re.ASCII)


def result_of(
    look: Look,
    *,
    id: str,  # noqa: A002
    release_id: str,
    service: str,
    stage: str,
    at: datetime,
    by: str,
    code_version: str,
    evidence_ids: tuple[str, ...],
) -> GateResult:
    """The record of a look. Its parameters are kept as they are written, so that no secret gets in."""
    judgement = look.judgement
    return GateResult(
        id=id,
        release_id=release_id,
        service=service,
        stage=stage,
        position=look.position,
        use=look.use.use,
        name=look.title,
        params=look.use.params,
        verdict=judgement.verdict,
        why=judgement.why[:4000],
        at=at,
        code_version=code_version,
        figures=judgement.figures[:200],
        details=judgement.details,
        query=look.measured.query,
        evidence_ids=evidence_ids,
        by=by,
    )


def result_digest(result: GateResult) -> str:
    """SHA-256 of all that the verdict says, as the audit trail has it: an edited row does not fit it any more."""
    plain = {
        **{name: getattr(result, name) for name in ("id", "release_id", "service", "stage", "position", "use", "name")},
        "params": dict(result.params),
        "verdict": str(result.verdict),
        "why": result.why,
        "at": format_time(result.at),
        "code_version": result.code_version,
        "figures": [one.as_json() for one in result.figures],
        "details": dict(result.details),
        "query": result.query,
        "evidence_ids": list(result.evidence_ids),
        "by": result.by,
    }
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def halt_reason(candidate: str, stage: str, results: Sequence[GateResult]) -> str:
    """Why the bot halts, in a sentence with the figures."""
    failed = [one for one in results if one.verdict is GateVerdict.FAIL]
    said = "; ".join(f"{one.name}: {one.why}" for one in failed)
    return f"candidate {candidate} does not pass {stage}: {said}"[:3500]


def halt_details(results: Sequence[GateResult], severity: str) -> dict[str, Any]:
    """Fields of the halt report that the first failed gate knows."""
    first = next(one for one in results if one.verdict is GateVerdict.FAIL)
    found: dict[str, Any] = {
        "severity": severity,
        "gate": first.name,
        "broken": f"gate {first.name}: {first.why}"[:4000],
    }
    now = _figure(first, "candidate") or next((one for one in first.figures if one.value is not None), None)
    if now is None or now.value is None:
        return found
    before = _figure(first, "incumbent")
    metric: dict[str, Any] = {"name": now.name, "now": now.value}
    if before is not None and before.value is not None:
        metric |= {"before": before.value, **_change(before.value, now.value)}
    if now.unit:
        metric["unit"] = now.unit
    found["metric"] = metric
    if now.low is not None and now.high is not None:
        found["confidence_interval"] = {"low": now.low, "high": now.high, **_threshold(now.threshold)}
    return found


def _change(before: float, now: float) -> dict[str, float]:
    """In percent of what it was; nothing where it was nothing."""
    return {"change_percent": round(100 * (now - before) / abs(before), 1)} if before else {}


def _threshold(words: str) -> dict[str, float]:
    """The number in `at least 0.9`; none where the words hold several, or another kind of number."""
    numbers = _NUMBER.findall(words)
    return {"threshold": float(numbers[0])} if len(numbers) == 1 and "%" not in words else {}


def _figure(result: GateResult, subject: str) -> Figure | None:
    return next((one for one in result.figures if one.subject == subject and one.value is not None), None)
