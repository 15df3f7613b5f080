"""What is read out of the words of a halt and of the fields of its form: what was said, and nothing that was not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.domain.prefill import fields_in
from bot.domain.report_facts import FIELDS, spoken
from bot.domain.report_reading import read_field

PLACES = ("production", "staging")


def metric(
    name: str,
    before: float | None = None,
    now: float | None = None,
    percent: float | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    values = {"name": name, "before": before, "now": now, "change_percent": percent, "unit": unit}
    return {key: value for key, value in values.items() if value is not None}


SENTENCES = yaml.safe_load((Path(__file__).parents[1] / "data" / "halt_words.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("sentence", SENTENCES, ids=[one["words"][:40] for one in SENTENCES])
def test_fields_are_read_out_of_the_words_of_a_halt(sentence: dict[str, Any]) -> None:
    assert fields_in(sentence["words"], PLACES) == sentence["says"]


def test_there_are_sentences_enough() -> None:
    assert len(SENTENCES) >= 40


@given(st.text(max_size=2000))
def test_no_words_break_the_reading_and_what_is_read_fits_the_report(words: str) -> None:
    from bot.domain.report import Report

    fields = fields_in(words, PLACES)
    assert set(fields) <= set(FIELDS)
    Report.model_validate(fields)


@given(st.text("F1 0.92%->to,downusince ms\n", max_size=300))
def test_words_that_look_like_figures_break_nothing_either(words: str) -> None:
    fields_in(words, PLACES)


VALUES: list[tuple[str, Any]] = [
    ("metric", metric("F1", 0.92, 0.78, -15.2)),
    ("metric", metric("F1", percent=-15.0)),
    ("metric", metric("p99", 120, 400, 233.3, "ms")),
    ("metric", metric("error rate", now=1.4, unit="%")),
    ("metric", metric("thing", before=1.4, unit="%")),
    ("metric", metric("calibration")),
    ("confidence_interval", {"low": 0.76, "high": 0.8, "level": 0.95, "threshold": 0.9}),
    ("confidence_interval", {"low": -0.2, "high": 0.1}),
    ("seen", {"environment": "production", "data_slice": "EU cards, new"}),
    ("seen", {"environment": "production"}),
    ("reproduced", {"times": 3, "of": 5}),
    ("estimate", {"low": "2h", "high": "1d", "date": "2026-12-01"}),
    ("estimate", {"low": "1h30m"}),
    ("estimate", {"date": "2026-12-01"}),
    ("alternatives", [{"option": "watch closely", "why_not": "too risky"}]),
    ("steps_taken", ["paged Raj", "looked at the joins"]),
    ("experiments", ["ranking-7"]),
    ("evidence", ["https://example.com/a", "https://example.com/b"]),
    ("user_effect", "Good payments are declined"),
]


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_what_the_form_shows_is_read_back_as_what_it_was(name: str, value: Any) -> None:
    assert read_field(name, spoken(name, value)) == value


WRITTEN: list[tuple[str, str, Any]] = [
    ("metric", "0.92 -> 0.78", metric("metric", 0.92, 0.78, -15.2)),
    ("metric", "-15 %", metric("metric", percent=-15.0)),
    ("metric", "F1 is bad", metric("F1 is bad")),
    ("confidence_interval", "[0.76, 0.80] 95%", {"low": 0.76, "high": 0.8, "level": 0.95}),
    ("confidence_interval", "0.76-0.80, threshold 0.9", {"low": 0.76, "high": 0.8, "threshold": 0.9}),
    ("seen", "EU cards", {"data_slice": "EU cards"}),
    ("seen", "production", {"environment": "production"}),
    ("reproduced", "3/5", {"times": 3, "of": 5}),
    ("reproduced", "3 out of 5", {"times": 3, "of": 5}),
    ("estimate", "2-4 hours", {"low": "2h", "high": "4h"}),
    ("estimate", "2 weeks", {"low": "14d"}),
    ("estimate", "30 min to 2 h by 2026-12-01", {"low": "30m", "high": "2h", "date": "2026-12-01"}),
    ("alternatives", "- watch closely: too risky\n- flag - not wired", [
        {"option": "watch closely", "why_not": "too risky"}, {"option": "flag", "why_not": "not wired"},
    ]),
    ("steps_taken", "- one\n- two\n\n", ["one", "two"]),
    ("evidence", "see https://a.example/x, and (https://b.example/y).", ["https://a.example/x", "https://b.example/y"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "value"), WRITTEN)
def test_fields_are_read_as_people_write_them(name: str, text: str, value: Any) -> None:
    assert read_field(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metric", "15 %"),
        ("metric", "0.78"),
        ("confidence_interval", "wide"),
        ("reproduced", "always"),
        ("reproduced", "3 of 0"),
        ("estimate", "soon"),
        ("estimate", "5 parsecs"),
        ("alternatives", "just wait"),
        ("evidence", "see above"),
        ("user_effect", "x" * 4001),
    ],
)
def test_what_cannot_be_read_is_answered_with_a_sentence(name: str, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_field(name, text)
    assert len(str(caught.value)) > 20


@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=300))
def test_no_text_in_a_field_breaks_the_reading(name: str, text: str) -> None:
    if not text.strip():
        return
    with suppress(BadInput):
        read_field(name, text)
