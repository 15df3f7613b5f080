"""The demo's models and its server: what the stories take for granted about them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bot.demo.canary_story import crossing
from bot.demo.model_server import State
from bot.demo.scoring import Payment, declines, draw_payment, evaluation
from bot.domain.errors import StepFailed

COFFEE = Payment(4.2, 3, new_country=False, fraud=False)


def drawn(count: int) -> list[Payment]:
    source = random.Random(1)
    return [draw_payment(source) for _ in range(count)]


def differing(version: str, *, in_cents: bool = False) -> float:
    """The share of payments that a version decides otherwise than 41."""
    payments = drawn(4000)
    return sum(declines(version, one, in_cents=in_cents) != declines("41", one) for one in payments) / len(payments)


def test_the_retrained_version_differs_in_few_payments_until_its_features_come_in_cents() -> None:
    assert 0 < differing("43") < 0.01
    assert differing("43", in_cents=True) > 0.5


def test_an_evaluation_tells_the_good_candidate_from_the_bad_one() -> None:
    def f1(version: str) -> tuple[Any, Any]:
        found: Any = evaluation(version, "41", 2000, 3)
        return found["metrics"]["f1"]["value"], found["incumbent"]["metrics"]["f1"]["value"]

    assert min(f1("43")) > 0.98
    bad, good = f1("42")
    assert bad < 0.4 < 0.98 < good


def test_a_share_is_given_once_for_one_key_and_taken_back_by_a_rollback() -> None:
    state = State(serving="41")
    wanted = {"candidate": "43", "incumbent": "41", "percent": 10}
    assert state.shift(wanted, "run:shift", 1)[0] == 200
    assert state.shift(wanted, "run:shift", 1)[1]["repeated"]
    assert (state.known()["candidate"], state.known()["percent"], len(state.deployments)) == ("43", 10, 1)
    answers = [state.predict(COFFEE)["version"] for _ in range(100)]
    assert answers.count("43") == 10
    assert state.deploy({"from": "43", "to": "41"}, "run:restore", 2)[0] == 200
    assert (state.known()["serving"], state.known()["percent"]) == ("41", 0)
    assert {state.predict(COFFEE)["version"] for _ in range(100)} == {"41"}


@pytest.mark.parametrize(
    ("wanted", "fence", "status"),
    [
        ({"candidate": "44", "incumbent": "41", "percent": 10}, 5, 404),
        ({"candidate": "43", "incumbent": "41", "percent": 0}, 5, 404),
        ({"candidate": "43", "incumbent": "42", "percent": 10}, 5, 409),
        ({"candidate": "43", "incumbent": "41", "percent": 10}, 4, 409),
    ],
)
def test_a_shift_that_does_not_fit_changes_nothing(wanted: dict[str, Any], fence: int, status: int) -> None:
    state = State(serving="41", fence=5)
    assert state.shift(wanted, "key", fence)[0] == status
    assert (state.known()["percent"], state.deployments) == (0, [])


def test_a_rollback_to_what_serves_already_is_no_deployment() -> None:
    state = State(serving="41")
    assert state.deploy({"from": "43", "to": "41"}, "key", 1)[1] == {"serving": "41", "already": True}
    assert state.deployments == []


@pytest.mark.parametrize("number", [None, 0, 4])
def test_a_verdict_without_its_pair_is_no_proof(number: int | None) -> None:
    with pytest.raises(StepFailed, match="at which pair"):
        crossing({"diverged_at": number}, [1.0, 2.0, 3.0])
    assert crossing({"diverged_at": 2}, [1.0, 2.0, 3.0]) == (2, 2.0)
