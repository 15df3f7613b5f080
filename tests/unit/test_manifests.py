"""The manifest of a release: what is taken, and what hostile papers get for an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.domain.manifests import Manifest, Paper, is_stale, papers_of, read_manifest
from bot.domain.strict_json import parse_json

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DIGEST = f"sha256:{'0a' * 32}"
WHOLE: dict[str, Any] = {
    "objective": "Fewer false alarms",
    "success_measures": ["f1 at least 0.9"],
    "expected_effect": "3 % fewer declined cards",
    "alternatives": ["wait for the next retraining"],
    "acceptable_risk": "0.5 % more fraud for a day",
    "risk_assessment": {"text": "read it", "reviewed_at": "2026-11-19T12:00:00Z", "reviewed_by": "nina"},
    "impact_analysis": {"link": "https://example.com/impact", "digest": DIGEST},
    "rollout_plan": {"text": "5 %, then all"},
    "rollback_plan": {"text": "41 again"},
    "documents": {"privacy": {"text": "nothing personal"}},
    "artifacts": {"model": DIGEST},
    "incumbent_artifacts": {"model": DIGEST},
    "data_schema": {"fields": [{"name": "amount", "type": "double"}]},
    "feature_steps": ["join", "scale"],
    "features": ["payments.amount"],
    "provides": ["fraud.score"],
    "environment_lock": "numpy==2.1.3",
    "dataset": {"snapshot": "2026-11-01"},
    "dependencies": [{"service": "payments", "version": "7", "features": ["amount"], "why": "it is read"}],
    "author": "nina",
    "approved_by_research_at": "2026-11-18T09:00:00+01:00",
}


def test_this_manifest_names_every_field_there_is() -> None:
    assert set(WHOLE) == set(Manifest.model_fields)


def test_a_whole_manifest_is_taken_and_comes_back_as_it_was_given() -> None:
    found = read_manifest(WHOLE)
    again = found.model_dump(mode="json", exclude_defaults=True)
    assert read_manifest(again) == found
    assert set(again) == set(WHOLE)


def test_an_empty_manifest_is_one_too_and_has_no_papers() -> None:
    assert papers_of(read_manifest({})) == {}
    assert set(papers_of(read_manifest(WHOLE))) == {
        "risk_assessment", "impact_analysis", "rollout_plan", "rollback_plan", "privacy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"objectve": "x"}, "objectve"),
        ({"objective": 1}, "objective"),
        ({"objective": None}, "objective"),
        ({"objective": "x" * 20_001}, "objective"),
        ({"objective": "half \ud83d of a smile"}, "objective"),
        ({"success_measures": "one"}, "success_measures"),
        ({"success_measures": [""]}, "success_measures.0"),
        ({"risk_assessment": "text"}, "risk_assessment"),
        ({"risk_assessment": {"txt": "x"}}, "risk_assessment.txt"),
        ({"risk_assessment": {"reviewed_at": "2026-11-19T12:00:00"}}, "risk_assessment.reviewed_at"),
        ({"risk_assessment": {"reviewed_at": "yesterday"}}, "risk_assessment.reviewed_at"),
        ({"risk_assessment": {"digest": "latest"}}, "risk_assessment.digest"),
        ({"risk_assessment": {"link": "x" * 2_001}}, "risk_assessment.link"),
        ({"documents": {"a name with spaces": {}}}, "documents"),
        ({"documents": {f"d{number}": {} for number in range(51)}}, "documents"),
        ({"artifacts": {"model": "sha256:short"}}, "artifacts.model"),
        ({"artifacts": {"model": DIGEST.upper()}}, "artifacts.model"),
        ({"artifacts": {"model": f"{DIGEST}\n"}}, "artifacts.model"),
        ({"artifacts": {"": DIGEST}}, "artifacts"),
        ({"artifacts": {f"a{number}": DIGEST for number in range(201)}}, "artifacts"),
        ({"artifacts": [DIGEST]}, "artifacts"),
        ({"data_schema": "x"}, "data_schema"),
        ({"features": [f"f{number}" for number in range(2_001)]}, "features"),
        ({"feature_steps": ["s"] * 501}, "feature_steps"),
        ({"dependencies": [{"version": "7"}]}, "dependencies.0.service"),
        ({"dependencies": [{"service": "../../etc"}]}, "dependencies.0.service"),
        ({"dependencies": [{"service": "a"}] * 201}, "dependencies"),
        ({"author": ""}, "author"),
        ({"author": ["nina"]}, "author"),
        ({"approved_by_research_at": 1e308}, "approved_by_research_at"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_by_its_place(changed: dict[str, Any], place: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_manifest({**WHOLE, **changed})
    assert place in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("whole", [None, [], "text", 1, 1.5, True, [WHOLE]])
def test_what_is_no_mapping_is_no_manifest(whole: object) -> None:
    with pytest.raises(BadInput, match="the manifest"):
        read_manifest(whole)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"objective": "a", "objective": "b"}',
        b'{"dataset": {"rows": NaN}}',
        b'{"dataset": {"rows": Infinity}}',
        b'{"dataset": {"rows": 1e999}}',
        b'{"dataset": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}",
        b'{"objective": "\xff"}',
        b"",
    ],
)
def test_json_that_is_not_strict_is_refused_before_it_is_a_manifest(raw: bytes) -> None:
    with pytest.raises(BadInput):
        read_manifest(parse_json(raw))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def _read(found: dict[str, Any]) -> Manifest | BadInput:
    try:
        return read_manifest(found)
    except BadInput as refused:
        return refused


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), values, max_size=6))
def test_whatever_comes_is_taken_or_refused_in_words(found: dict[str, Any]) -> None:
    outcome = _read(found)
    assert isinstance(outcome, Manifest) or "cannot be used" in str(outcome)


def test_what_no_database_takes_is_replaced_before_it_is_told_to_anybody() -> None:
    paper = {"text": "nul \x00", "link": "https://example.com/\x00", "reviewed_by": "\x00"}
    found = read_manifest({"objective": "nul \x00", "risk_assessment": paper})
    told = f"{found.objective}{found.risk_assessment.text}{found.risk_assessment.link}"
    assert "\x00" not in told
    assert told.count("\ufffd") == 3


@pytest.mark.parametrize(
    ("paper", "present"),
    [({}, False), ({"text": "  \n\t"}, False), ({"text": "x"}, True), ({"link": "https://example.com"}, True),
     ({"link": ""}, False), ({"reviewed_by": "nina"}, False)],
)  # fmt: skip
def test_a_paper_without_words_or_a_link_is_not_there(paper: dict[str, Any], present: bool) -> None:
    assert Paper.model_validate(paper).is_present is present


def test_a_paper_is_stale_after_its_days_and_unknown_where_nobody_says_when() -> None:
    days = timedelta(days=30)
    assert is_stale(Paper(text="x"), NOW, 30) is None
    assert is_stale(Paper(text="x", reviewed_at=NOW - days), NOW, 30) is False
    assert is_stale(Paper(text="x", reviewed_at=NOW - days - timedelta(seconds=1)), NOW, 30) is True
