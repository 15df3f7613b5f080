"""What is known before anybody was asked: from the alerts that fire, from the release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.incidents import Incident
from bot.flow.order import Order
from bot.flow.reporting import Known

_VALUES = ("value", "current_value", "now")
_BEFORE = ("before", "baseline", "expected")
_SLICES = ("slice", "data_slice", "segment", "region")


def known_of(order: Order, incident: Incident) -> list[Known]:
    """Fields with their sources; later ones are more certain, and what a person says comes after all of them."""
    found: dict[str, Known] = {}
    if order.situation.is_new(incident.id):
        return []  # no alert has said anything about it
    for decision in order.situation.tx.decisions(incident_id=incident.id):
        if decision.alert and decision.alert.get("status") == "firing":
            for one in _of_alert(decision.alert, incident):
                found[one.field] = one
    return list(found.values())


def _of_alert(alert: Mapping[str, Any], incident: Incident) -> Iterator[Known]:
    labels, annotations = alert.get("labels") or {}, alert.get("annotations") or {}
    title = str(alert.get("title") or labels.get("alertname") or "")
    source = f"alert {labels.get('alertname') or title}".strip()
    if title:
        yield Known("broken", title[:4000], source)
    data_slice = next((str(labels[name]) for name in _SLICES if labels.get(name)), None)
    yield Known("seen", _given({"environment": incident.environment, "data_slice": data_slice}), source)
    link = str(alert.get("link") or "")
    if link.startswith(("http://", "https://")) and len(link) <= 2000:
        yield Known("evidence", [link], source)
    metric = str(labels.get("metric") or annotations.get("metric") or "")
    figures = {**annotations, **labels}
    now, before = _number(figures, _VALUES), _number(figures, _BEFORE)
    if metric and (now is not None or before is not None):
        yield Known("metric", _given({"name": metric[:4000], "before": before, "now": now}), source)


def _number(figures: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for name in names:
        try:
            value = float(str(figures[name]).strip().rstrip("%"))
        except (KeyError, ValueError):
            continue
        if value == value and abs(value) != float("inf"):  # noqa: PLR0124 - NaN is not itself
            return value
    return None


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
