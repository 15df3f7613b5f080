"""Conditions are given only the facts that their words can reach, and answer as if they were given all."""

from __future__ import annotations

from typing import Any

import cel
import pytest

from bot.adapters.conditions import compile_condition
from bot.domain.conditions import Truth

FACTS: dict[str, Any] = {
    "alert": {
        "title": "Slow",
        "status": "firing",
        "labels": {"service": "fraud", "severity": "critical", "x": "1", "alert": "inner", "labels": "deep"},
        "annotations": {"summary": "is slow", "x": "2"},
    },
    "release": {"incumbent": "41", "candidate": "42"},
}
TEXTS = (
    'alert.labels.service == "fraud"',
    'alert . labels .service == "fraud"',
    'alert\n.labels\n.service == "fraud"',
    '(alert).labels.service == "fraud"',
    'alert["labels"]["service"] == "fraud"',
    'alert.labels["service"] == "fraud"',
    'alert["labels"].service == "fraud"',
    'alert.labels.service.startsWith("fr")',
    'alert.labels.service.contains(alert.labels.severity) || alert.title.contains("low")',
    '"service" in alert.labels',
    'alert.labels.exists(name, name == "severity")',
    "alert.labels.all(name, alert.labels[name].size() > 0)",
    "size(alert.labels) == 5 && alert.annotations.size() == 2",
    "has(alert.labels.service) && !has(alert.labels.absent)",
    'alert.labels.alert == "inner" && alert.labels.labels == "deep"',
    'alert.labels.x == "1" && alert.annotations.x == "2" && release.candidate == "42"',
    "alert.labels.x + alert.annotations.x == release.incumbent",
    'alert.labels.absent == "1" || alert.status == "firing"',
    'alert == alert && alert.labels.service == "fraud"',
    'alert.labels == {"service": "fraud"}',
    '[alert.labels.x, release.incumbent].exists(one, one == "41")',
    'alert.labels.service == "alert.annotations.x" ? true : alert.annotations.x == "2"',
    'alert.title == "Slow" // alert.labels.service',
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_condition_answers_as_if_it_were_given_everything(text: str) -> None:
    expected = cel.compile(text).execute(FACTS)
    finding = compile_condition(text, frozenset(FACTS)).judge(FACTS)
    assert finding.truth is (Truth.YES if expected is True else Truth.NO)


@pytest.mark.parametrize("text", ['alert.labels.absent == "1"', 'alert.absent.x == "1"', 'alert.title.x == "1"'])
def test_what_is_absent_stays_absent(text: str) -> None:
    assert compile_condition(text, frozenset(FACTS)).judge(FACTS).truth is Truth.UNKNOWN


def test_what_a_condition_does_not_read_cannot_make_it_unknown() -> None:
    facts = {"alert": {"labels": {"service": "fraud", "long": "x" * 2_000_000}}}
    assert compile_condition('alert.labels.service == "fraud"', frozenset({"alert"})).judge(facts)
    assert (
        compile_condition('alert.labels["service"] == "fraud"', frozenset({"alert"})).judge(facts).truth
        is Truth.UNKNOWN
    )
