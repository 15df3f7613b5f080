"""What the page of a release shows of its record, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.domain.gates import Signature
from bot.domain.pins import Pin
from bot.domain.policies import DEFAULT_AUDIENCES
from bot.domain.times import format_time
from bot.domain.walks import ReleaseKind

Record = Mapping[str, Any]

_PAPERS = ("risk_assessment", "impact_analysis", "rollout_plan", "rollback_plan")
_LISTS = ("success_measures", "alternatives", "feature_steps", "features", "provides")
_PROSE = ("expected_effect", "acceptable_risk", "environment_lock")
_SHAPES = ("data_schema", "dataset")
_DIGESTS = (("artifacts", "candidate"), ("incumbent_artifacts", "incumbent"))


def arranged_release(view: Record, pin: Pin | None, signatures: Sequence[Signature]) -> dict[str, Any]:
    """The parts of a release's view that a page shows in another form than the API."""
    manifest = view["manifest"]
    here = next((one for one in view["stages"] if one["state"] == "here"), None)
    standing = [one for one in signatures if one.withdrawn_at is None]
    return {
        "here": here,
        "checklist": list(_items(view, pin, standing)),
        "briefs": _briefs(pin, standing),
        "second_role": _second_role(pin),
        "papers": list(_papers(manifest)),
        "lists": [(name, manifest[name]) for name in _LISTS if manifest.get(name)],
        "prose": [(name, manifest[name]) for name in _PROSE if manifest.get(name)],
        "shapes": [(name, manifest[name]) for name in _SHAPES if manifest.get(name)],
        "digests": [
            (whose, name, digest) for key, whose in _DIGESTS for name, digest in (manifest.get(key) or {}).items()
        ],
        "evidence_names": {one["id"]: one["name"] for one in view["evidence"]},
        "pushed": [one for one in view["evidence"] if one["source"] != "judged"],
    }


def _items(view: Record, pin: Pin | None, signatures: Sequence[Signature]) -> Iterator[dict[str, Any]]:
    """Every item of every checklist of its stages: who signed it, and whether that counts."""
    if pin is None:
        return
    for stage, shown in zip(pin.stages, view["stages"], strict=True):
        for use, gate in zip(stage.gates, shown["gates"], strict=True):
            if use.use != "checklist":
                continue
            open_ = gate["details"].get("open") or {}
            for item in use.params.get("items") or ():
                if isinstance(item, Mapping):
                    yield _item(item, stage.name, shown["state"], open_, pin, signatures)


def _item(
    item: Record, stage: str, state: str, open_: object, pin: Pin, signatures: Sequence[Signature]
) -> dict[str, Any]:
    name, role = str(item.get("name", "")), str(item.get("role", ""))
    signed = [_signed(one, role, pin) for one in signatures if one.subject == f"item:{name}"]
    why = str(open_.get(name, "")) if isinstance(open_, Mapping) else ""
    return {
        "name": name,
        "role": role,
        "not_author": bool(item.get("not_author")),
        "stage": stage,
        "state": state,
        "signed": signed,
        "is_open": not any(one["counts"] for one in signed),
        "why": why,
    }


def _signed(one: Signature, role: str, pin: Pin) -> dict[str, Any]:
    counts = not role or pin.policy.holds_role(one.by, role)
    return {"by": one.by, "at": format_time(one.at), "note": one.note, "counts": counts}


def _briefs(pin: Pin | None, signatures: Sequence[Signature]) -> list[dict[str, Any]]:
    """Each audience that was sent a brief, with who acknowledged it."""
    if pin is None:
        return []
    return [
        {
            "audience": audience,
            "by": [(one.by, format_time(one.at)) for one in signatures if one.subject == f"brief:{audience}"],
        }
        for audience in pin.policy.audiences or DEFAULT_AUDIENCES
    ]


def _second_role(pin: Pin | None) -> str | None:
    emergency = pin.policy.emergency if pin else None
    return emergency.role if pin and emergency and pin.kind is ReleaseKind.EMERGENCY else None


def _papers(manifest: Record) -> Iterator[tuple[str, Record]]:
    empty = {"text": "", "link": None, "reviewed_at": None, "reviewed_by": None, "digest": None}
    for name in _PAPERS:
        yield name, {**empty, **(manifest.get(name) or {})}
    for name, paper in (manifest.get("documents") or {}).items():
        yield name, {**empty, **paper}
