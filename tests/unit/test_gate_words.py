"""Gates are told in words: what is looked at, what is demanded, and nothing that only a machine wants to read."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.gate_words import checklist_items, gate_words
from bot.domain.gates import Figure, GateResult, GateVerdict
from bot.domain.rounds_of_day import latest_monday, latest_morning
from bot.domain.stages import GateUse
from bot.domain.times import parse_time
from bot.flow.result_records import halt_details, halt_reason

ITEMS = [{"name": "runbook", "role": "champion"}, {"name": "copy", "role": "product_owner"}]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            {"use": "metric", "max_drop": 0.02, "at_least": 0.9, "metric": "f1"},
            "metric f1, at least 0.9, max drop 0.02",
        ),
        ({"use": "canary"}, "canary"),
        ({"use": "metric", "name": "quality", "metric": "f1", "at_least": 0.9}, "quality (metric f1, at least 0.9)"),
        ({"use": "checklist", "items": ITEMS}, "checklist: signed: runbook by champion, copy by product_owner"),
        ({"use": "parity", "strict": True}, "parity: strict yes"),
        ({"use": "http", "url": "https://x.example/?key=1", "token": "{{ secret.x }}", "body": {"a": 1}}, "http"),
        ({"use": "expression", "expression": "x" * 400}, "expression"),
        ({"use": "checklist", "items": ["nonsense", {"role": "x"}]}, "checklist"),
        ({"use": "checklist", "items": "nonsense"}, "checklist: items nonsense"),
    ],
)
def test_a_gate_is_told_in_words(written: dict[str, Any], words: str) -> None:
    assert gate_words(GateUse.model_validate(written)) == words


def test_only_a_checklist_has_items() -> None:
    listed = GateUse.model_validate({"use": "checklist", "items": ITEMS})
    assert checklist_items(listed) == [("runbook", "champion"), ("copy", "product_owner")]
    assert checklist_items(GateUse.model_validate({"use": "metric", "items": ITEMS})) == []


def failed(*figures: Figure) -> GateResult:
    at = parse_time("2026-11-20T14:00:00Z")
    why, verdict = "f1 is 0.8, below 0.9", GateVerdict.FAIL
    return GateResult("vdt-1", "rel-1", "s", "evaluation", 0, "metric", "metric f1", {}, verdict, why, at, "1", figures)


def test_a_halt_by_a_gate_reports_the_change_and_what_was_demanded() -> None:
    one = failed(Figure("f1", 0.8, "at least 0.9", 0.75, 0.85, 900), Figure("f1", 0.96, "", subject="incumbent"))
    found = halt_details([one], "SEV-3")
    assert found["metric"] == {"name": "f1", "now": 0.8, "before": 0.96, "change_percent": -16.7}
    assert found["confidence_interval"] == {"low": 0.75, "high": 0.85, "threshold": 0.9}
    assert halt_reason("43", "evaluation", [one]) == (
        "candidate 43 does not pass evaluation: metric f1: f1 is 0.8, below 0.9"
    )


@pytest.mark.parametrize("words", ["", "between 0.1 and 0.2", "at most 5 %", "p99 below the incumbent"])
def test_a_demand_that_is_no_single_number_is_not_made_one(words: str) -> None:
    found = halt_details([failed(Figure("f1", 0.8, words, 0.75, 0.85))], "SEV-3")
    assert found["confidence_interval"] == {"low": 0.75, "high": 0.85}


def test_a_change_from_nothing_has_no_percentage() -> None:
    one = failed(Figure("errors", 0.1), Figure("errors", 0.0, subject="incumbent"))
    assert halt_details([one], "SEV-3")["metric"] == {"name": "errors", "now": 0.1, "before": 0.0}


@pytest.mark.parametrize(
    ("now", "zone", "monday", "morning"),
    [
        ("2026-11-26T04:00:00Z", "UTC", "2026-11-23T09:00:00+00:00", "2026-11-25T09:00:00+00:00"),
        ("2026-11-23T08:59:59Z", "UTC", "2026-11-16T09:00:00+00:00", "2026-11-22T09:00:00+00:00"),
        ("2026-11-23T09:00:00Z", "UTC", "2026-11-23T09:00:00+00:00", "2026-11-23T09:00:00+00:00"),
        ("2026-11-23T08:30:00Z", "Europe/Berlin", "2026-11-23T09:00:00+01:00", "2026-11-23T09:00:00+01:00"),
        ("2026-11-23T13:30:00Z", "America/New_York", "2026-11-16T09:00:00-05:00", "2026-11-22T09:00:00-05:00"),
        ("2026-10-26T07:30:00Z", "Europe/Berlin", "2026-10-19T09:00:00+02:00", "2026-10-25T09:00:00+01:00"),
    ],
)
def test_nine_is_nine_where_people_are(now: str, zone: str, monday: str, morning: str) -> None:
    assert latest_monday(parse_time(now), zone).isoformat() == monday
    assert latest_morning(parse_time(now), zone).isoformat() == morning
