"""Technical words are found as people write them, and explained in as many words as there is room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.glossary import FILE, Glossary, Term, load_glossary, read_glossary, sentence, word_count
from bot.adapters.shipped import TEMPLATES, shipped_folder
from bot.domain.errors import ConfigError
from bot.domain.wording import findings

SHIPPED = shipped_folder(TEMPLATES)


@pytest.fixture(scope="module")
def glossary() -> Glossary:
    return load_glossary([SHIPPED])


def terms(glossary: Glossary, text: str, most: int = 99) -> list[str]:
    return [term for term, _ in glossary.explanations(text, most)]


def test_the_glossary_that_ships_is_sound() -> None:
    found, faults = read_glossary(SHIPPED / FILE)
    assert faults == []
    assert len(found) >= 40
    wanted = (
        "canary", "rollback", "F1", "AUC", "drift", "PSI", "confidence interval", "p99", "latency", "incumbent",
        "candidate", "feature flag", "schema", "shadow traffic", "quantile",
    )  # fmt: skip
    assert set(wanted) <= {term.term for term in found}
    assert [term.term.casefold() for term in found] == sorted(term.term.casefold() for term in found)


def test_no_explanation_needs_another_one_or_frightens(glossary: Glossary) -> None:
    for term in read_glossary(SHIPPED / FILE)[0]:
        assert terms(glossary, term.line) == [], term.term
        assert findings(sentence(term.term, term.line)) == ()
        assert word_count(term.line) <= 12


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The canary was stopped.", ["canary"]),
        ("Canaries and CANARY.", ["canary"]),
        ("Latencies rose, p99 latency most.", ["latency", "p99"]),
        ("F1 fell; the F1 score too.", ["F1"]),
        ("Press f1 for help.", []),
        ("AUC fell by 0.02 (95 % CI: 0.01 to 0.03).", ["AUC", "confidence interval"]),
        ("Two confidence intervals overlap.", ["confidence interval"]),
        ("The ci job and the auc field.", []),
        ("False positives, not a false negative.", ["false positive", "false negative"]),
        ("Feature\u00a0flags are off.", ["feature flag"]),
        ("Schemas, schemata and a schema.", ["schema"]),
        ("A schema-less store, canary_weight, precanary, the canaryist.", []),
        ("See https://x.example/canary/rollback?schema=1 for more.", []),
        ("config.canary.weight and canary.yaml", []),
        ("The rollback.", ["rollback"]),
        ("(rollback), \"rollback\": 'rollback'", ["rollback"]),
        ("**Rollback** of the candidate to the incumbent", ["rollback", "candidate", "incumbent"]),
        ("We ran an A/B test.", ["A/B test"]),
        ("Nothing of the trade is in here.", []),
        ("", []),
    ],
)
def test_terms_are_found_as_people_write_them(glossary: Glossary, text: str, found: list[str]) -> None:
    assert terms(glossary, text) == found


def test_only_as_many_are_explained_as_are_asked_for(glossary: Glossary) -> None:
    text = "The canary of the candidate shows drift: PSI 0.4, F1 0.7."
    assert terms(glossary, text, 3) == ["canary", "candidate", "drift"]
    assert terms(glossary, text, 0) == []


def test_only_what_fits_into_the_words_that_are_left_is_explained() -> None:
    glossary = Glossary([Term("canary", "one two three four"), Term("drift", "one two"), Term("schema", "one")])
    text = "canary, drift and schema"
    for room in range(15):
        found = glossary.explanations(text, words=room)
        assert sum(word_count(sentence(*one)) for one in found) <= room
    assert [term for term, _ in glossary.explanations(text, words=10)] == ["canary", "drift", "schema"]
    assert [term for term, _ in glossary.explanations(text, words=4)] == ["drift"]
    assert [term for term, _ in glossary.explanations(text, words=2)] == ["schema"]
    assert glossary.explanations(text, words=0) == ()
    assert glossary.explanations(text, words=-5) == ()


def test_a_term_and_its_line_make_a_sentence() -> None:
    assert sentence("p99", "99 of 100.") == "P99: 99 of 100."
    assert sentence("A/B test", "two versions") == "A/B test: two versions."


def test_a_folder_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        "terms:\n"
        "  - {term: Canary, line: one shop in Kassel tries it first}\n"
        "  - {term: scorecard, line: the sheet that the bank reads}\n"
        "  - {term: CI, line: the machine that runs our tests}\n"
        "  - {term: percentile, line: a value of the house}\n"
    )
    glossary = load_glossary([tmp_path, SHIPPED])
    assert dict(glossary.explanations("canary scorecard rollback", 9)) == {
        "Canary": "one shop in Kassel tries it first",
        "scorecard": "the sheet that the bank reads",
        "rollback": "the earlier version returns and the new one is taken out",
    }
    assert terms(glossary, "CI, confidence interval, percentile, quantile") == [
        "CI",
        "confidence interval",
        "percentile",
        "quantile",
    ]


def test_a_folder_without_a_glossary_adds_nothing(tmp_path: Path) -> None:
    assert terms(load_glossary([tmp_path, SHIPPED]), "rollback") == ["rollback"]
    assert terms(load_glossary([tmp_path]), "rollback") == []


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("- 1", 1, "terms"),
        ("terms: 5", 1, "terms"),
        ("terms:\n  - {term: x}", 2, "line"),
        ("terms:\n  - {term: x, line: y z, color: red}", 2, "color"),
        ("terms:\n  - {term: 5, line: y z w}", 2, "string"),
        ("terms:\n  - {term: '', line: y z w}", 2, "no term"),
        ("terms:\n  - {term: 'x(.*', line: y z w}", 2, "no term"),
        ("terms:\n  - {term: x, line: one two three four five six seven eight nine ten a b c}", 2, "12 words"),
        ("terms:\n  - {term: x, line: '<script>'}", 2, "plain text"),
        ("terms:\n  - {term: x, line: '[a](http://b)'}", 2, "plain text"),
        ("terms:\n  - {term: x, line: 'y'}", 2, "plain text"),
        ("terms:\n  - {term: x, line: one two}\n  - {term: X, line: one two}", 3, "twice"),
        ("terms:\n  - {term: x, line: one two, also: [y, y]}", 2, "twice"),
        ("terms: &a []\n", 1, "anchors"),
        ("terms:\n\t- x", 2, "YAML"),
    ],
)
def test_a_faulty_glossary_is_told_with_its_line(tmp_path: Path, text: str, line: int, told: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        load_glossary([tmp_path, SHIPPED])
    assert caught.value.faults[0].line == line
    assert caught.value.faults[0].file == str(tmp_path / FILE)
