"""Takes what a gate concludes as it can be kept and shown: of the right shape, finite, small, without secrets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.errors import Refused
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.domain.redaction import redacted
from bot.ports import Secrets

MOST_DETAILS = 256 * 1024
"""Bytes of JSON; what is larger is left out, and the record says so."""
_MOST_FIGURES = 200


def sound(found: object, secrets: Secrets) -> Judgement:
    """The judgement without secrets. Refused where it is none, or holds a figure or a detail that cannot be kept: a
    gate of another package may return anything, and that must never be a pass."""
    if not isinstance(found, Judgement) or not isinstance(found.verdict, GateVerdict):
        raise Refused("The gate did not give a judgement", why=f"it gave {type(found).__name__}", next="mend the gate")
    return Judgement(
        found.verdict,
        secrets.redact(str(found.why))[:4000],
        tuple(_figure(one, secrets) for one in tuple(found.figures)[:_MOST_FIGURES]),
        _details(found.details, secrets),
    )


def _figure(found: object, secrets: Secrets) -> Figure:
    if not isinstance(found, Figure):
        raise Refused("The gate gave a figure that is none", why=f"it is {type(found).__name__}", next="mend the gate")
    for number in (found.value, found.low, found.high):
        if number is not None and not (_is_number(number) and math.isfinite(number)):
            raise Refused(f"The figure {str(found.name)[:80]} is no number", why="what is not finite proves nothing")
    if found.n is not None and not _is_number(found.n):
        raise Refused(f"The sample size of the figure {str(found.name)[:80]} is no number", next="mend the gate")
    name, threshold, subject, unit = (
        secrets.redact(str(one))[:500] for one in (found.name, found.threshold, found.subject, found.unit)
    )
    return replace(found, name=name, threshold=threshold, subject=subject, unit=unit)


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _details(found: object, secrets: Secrets) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise Refused("The details of the gate are no map", next="mend the gate")
    try:
        text = json.dumps(dict(found), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Refused("The details of the gate hold a value that cannot be kept", why=str(error)) from None
    if len(text) > MOST_DETAILS:
        return {"left_out": f"{len(text)} bytes of details; {MOST_DETAILS // 1024} KiB are kept at most"}
    found_again: dict[str, Any] = redacted(json.loads(text), secrets.redact)
    return found_again
