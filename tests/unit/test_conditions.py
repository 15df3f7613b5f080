"""Conditions: what compiles, what they say, and that they never raise."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.conditions import MAX_ITEMS, MAX_TEXT, compile_condition
from bot.domain.conditions import Truth

NAMES = frozenset({"alert", "value", "severity"})
ALERT: dict[str, Any] = {"labels": {"service": "fraud", "list": ["a", "b"]}, "status": "firing"}


def judge(text: str, **facts: Any) -> Truth:
    return compile_condition(text, NAMES).judge(facts).truth


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ('alert.labels.service == "fraud"', Truth.YES),
        ('alert.labels.service == "other"', Truth.NO),
        ('alert.labels.absent == "x"', Truth.UNKNOWN),
        ('alert.labels.absent == "x" || alert.labels.service == "fraud"', Truth.YES),
        ('alert.labels.service == "fraud" || alert.labels.absent == "x"', Truth.YES),
        ('alert.labels.absent == "x" && alert.labels.service == "other"', Truth.NO),
        ('alert.labels.absent == "x" || alert.labels.service == "other"', Truth.UNKNOWN),
        ('!(alert.labels.absent == "x")', Truth.UNKNOWN),
        ("has(alert.labels.absent)", Truth.NO),
        ('alert.labels.list.exists(item, item == "b")', Truth.YES),
        ('alert.labels.service.matches("^fr")', Truth.YES),
        ("alert.labels.service", Truth.UNKNOWN),
        ("alert.labels.service < 3", Truth.UNKNOWN),
        ("1 / 0 == 1", Truth.UNKNOWN),
        ("alert.labels.size() == 2", Truth.YES),
        ('severity == "SEV-1"', Truth.UNKNOWN),
    ],
)
def test_a_condition_says_yes_no_or_unknown(text: str, truth: Truth) -> None:
    assert judge(text, alert=ALERT) is truth


@pytest.mark.parametrize("text", ["value < 0.5", "value > 0.5", "value == 0.5", "value != 0.5", "!(value == 0.5)"])
def test_no_comparison_with_nan_says_yes_or_no(text: str) -> None:
    assert judge(text, value=float("nan")) is Truth.UNKNOWN


@pytest.mark.parametrize("written", ["NaN", "nan", "-nan", " NAN "])
def test_text_that_becomes_nan_is_no_evidence(written: str) -> None:
    found = compile_condition("double(value) != 1.0", NAMES).judge({"value": written})
    assert found.truth is Truth.UNKNOWN
    assert "not a number" in found.why


def test_a_whole_number_compares_with_a_fraction() -> None:
    assert judge("value < 0.5", value=0) is Truth.YES
    assert judge("value < 0.5", value=1) is Truth.NO


def test_an_unknown_answer_gives_its_reason() -> None:
    assert compile_condition("alert.labels.x == 1", NAMES).judge({"alert": ALERT}).why == "'x' is absent"
    assert compile_condition("value", NAMES).judge({"value": 3}).why == "it gives a number, not true or false"


@pytest.mark.parametrize(
    "fact",
    [
        object(),
        {1, 2},
        ["x"] * (MAX_ITEMS + 1),
        {str(number): 1 for number in range(MAX_ITEMS + 1)},
        ["x" * 1001] * 1000,
        [[0] * 1000] * 30,
        2**80,
        b"bytes",
    ],
)
def test_strange_or_huge_facts_are_unknown_and_never_raise(fact: object) -> None:
    found = compile_condition("size(value) > 0", NAMES).judge({"value": fact})
    assert found.truth is Truth.UNKNOWN
    assert found.why
    assert "\n" not in found.why


def test_deeply_nested_facts_are_unknown() -> None:
    nested: list[Any] = []
    for _ in range(3000):
        nested = [nested]
    assert judge("value == 1", value=nested) is Truth.UNKNOWN


def test_a_lone_surrogate_in_a_label_does_not_hide_the_other_labels() -> None:
    assert judge('alert.labels.service == "fraud"', alert={"labels": {"service": "fraud", "x": "\ud800"}}) is Truth.YES


def test_value_gives_the_value_or_none() -> None:
    condition = compile_condition("alert.labels.service", NAMES)
    assert condition.value({"alert": ALERT}) == "fraud"
    assert condition.value({"alert": {"labels": {}}}) is None
    assert condition.value({}) is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "cannot be empty"),
        ("   ", "cannot be empty"),
        ("value ==", "not a condition in CEL"),
        ("value = 1", "not a condition in CEL"),
        ("'open", "not a condition in CEL"),
        ("(" * 500 + "value" + ")" * 500, "not a condition in CEL"),
        ("v" * (MAX_TEXT + 1), "at most 2,000 characters"),
        ("valeu < 1", "unknown variable 'valeu' in the condition; there are: alert, severity, value"),
        ("now() > 1", "unknown function 'now'"),
        ('value.sort() == "x"', "unknown function 'sort'"),
        ("optional.none() == 1", "unknown variable 'optional'"),
        ("value.all(a, value.all(b, value.all(c, true)))", "2 deep at most"),
        ("&&".join(["value.all(a, true)"] * 6), "at most 5 macros"),
    ],
)
def test_what_is_no_condition_is_refused_in_one_line(text: str, part: str) -> None:
    with pytest.raises(ValueError) as refused:
        compile_condition(text, NAMES)
    assert part in str(refused.value)
    assert "\n" not in str(refused.value)


def test_names_bound_by_macros_are_no_unknown_variables() -> None:
    assert judge("value.all(a, value.exists(b, a == b))", value=[1, 2]) is Truth.YES


def test_text_that_looks_like_a_macro_inside_quotes_binds_nothing() -> None:
    with pytest.raises(ValueError, match="unknown variable 'x'"):
        compile_condition('"a.all(x, 1)" == x', NAMES)


def test_a_condition_keeps_its_text_and_equals_its_twin() -> None:
    assert compile_condition("value < 1", NAMES) == compile_condition("value < 1", NAMES)
    assert compile_condition("value < 1", NAMES).text == "value < 1"
