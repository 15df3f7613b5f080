"""The index of policies: never leaves out one that would match, and asks few that would not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.conditions import compile_condition
from bot.domain.events import Alert
from bot.domain.policies import Policy
from bot.flow.matching import PolicyIndex, needed_labels

TOLD = {
    'alert.labels.service == "fraud"': {("service", "fraud")},
    "alert.labels.service=='fraud'": {("service", "fraud")},
    'alert.labels["service"] == "fraud"': {("service", "fraud")},
    ' alert.labels.service == "a" || alert.labels.model == "b" ': {("service", "a"), ("model", "b")},
    'alert.labels.service == "a" && alert.status == "firing"': {("service", "a")},
}
OPEN = (
    "true",
    'alert.labels.service != "fraud"',
    'alert.labels.service == "fraud" || true',
    'alert.labels.service == "fraud" && false || true',
    'alert.labels.service == "fraud" && false ? true : true',
    'alert.labels.service == "fraud" == false',
    'alert.labels.service == "fr" + "aud"',
    r'alert.labels.service == "fr\u0061ud"',
    'alert.labels.service == r"fraud"',
    '!(alert.labels.service == "fraud")',
    'alert.annotations.service == "fraud"',
    'alert.labels.service.name == "fraud"',
    'alert.labels.service.startsWith("fraud")',
)


def policy(service: str, match: str) -> Policy:
    values: dict[str, Any] = {"service": service, "match": match, "targets": {}}
    return Policy.model_validate(values, context={"compile": compile_condition})


@pytest.mark.parametrize("text", TOLD)
def test_the_labels_that_a_condition_needs_are_told_from_its_shape(text: str) -> None:
    assert needed_labels(text) == TOLD[text]


@pytest.mark.parametrize("text", OPEN)
def test_a_condition_of_any_other_shape_is_always_asked(text: str) -> None:
    assert needed_labels(text) is None


def test_only_policies_that_may_match_are_asked_in_the_order_of_the_configuration() -> None:
    policies = [
        policy("zebra", 'alert.labels.service == "zebra"'),
        policy("all", 'alert.title != ""'),
        policy("both", 'alert.labels.model == "m" || alert.labels.service == "zebra"'),
        policy("other", 'alert.labels.service == "other"'),
    ]
    found = PolicyIndex(policies).candidates({"service": "zebra", "model": "m"})
    assert [one.service for one in found] == ["zebra", "all", "both"]


def test_text_that_is_not_utf_8_is_found_as_conditions_see_it() -> None:
    only = policy("odd", 'alert.labels.service == "a?"')
    labels = {"service": "a\ud800"}
    assert only.matches({"alert": {"labels": labels}})
    assert PolicyIndex([only]).candidates(labels) == [only]


WORDS = st.sampled_from(["a", "b", "", "a b"])
TERMS = st.builds('alert.labels.{} == "{}"'.format, st.sampled_from(["x", "y"]), WORDS)
CONDITIONS = st.lists(TERMS, min_size=1, max_size=4).flatmap(
    lambda terms: st.lists(
        st.sampled_from([" || ", " && ", "||", " && true || ", " == true && "]),
        min_size=len(terms) - 1,
        max_size=len(terms) - 1,
    ).map(lambda joints: "".join(term + joint for term, joint in zip(terms, [*joints, ""], strict=True)))
)


@given(st.lists(CONDITIONS, max_size=5), st.dictionaries(st.sampled_from(["x", "y", "z"]), WORDS))
def test_the_index_never_leaves_out_a_policy_that_matches(conditions: list[str], labels: dict[str, str]) -> None:
    policies = [policy(f"s{number}", text) for number, text in enumerate(conditions)]
    facts = {"alert": {"labels": labels}}
    matching = [one for one in policies if one.matches(facts)]
    index = PolicyIndex(policies)
    assert [one for one in index.candidates(labels) if one.matches(facts)] == matching
    assert list(index.matching(Alert("generic", labels=labels))) == matching
