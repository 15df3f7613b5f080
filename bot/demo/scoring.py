"""Three versions of a small fraud-scoring model, and labelled card payments to judge them by."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Payment:
    """One card payment: amount in euros, hours since the card was last used, whether the country is new."""

    amount: float
    idle_hours: float
    new_country: bool
    fraud: bool
    """What it turned out to be."""


def draw_payment(source: random.Random) -> Payment:
    """One payment in twelve is fraud; frauds are larger, come after a pause, and from new countries."""
    fraud = source.random() < 1 / 12
    if fraud:
        return Payment(source.lognormvariate(6.6, 0.3), source.uniform(24, 240), source.random() < 0.95, fraud=True)
    return Payment(source.lognormvariate(3.6, 0.5), source.expovariate(1 / 10), source.random() < 0.02, fraud=False)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))


def _incumbent(payment: Payment) -> float:
    """Logistic regression, fitted on amounts in euros."""
    idle = math.log1p(payment.idle_hours)
    return _logistic(-11.0 + 1.35 * math.log1p(payment.amount) + 0.5 * idle + 2.2 * payment.new_country)


def _candidate(payment: Payment) -> float:
    """The same weights on a feature pipeline that sends cents instead of euros: everybody looks like a fraud."""
    return _incumbent(Payment(payment.amount * 100, payment.idle_hours, payment.new_country, payment.fraud))


def _retrained(payment: Payment) -> float:
    """The incumbent fitted once more on newer payments: it declines one payment in 500 more."""
    idle = math.log1p(payment.idle_hours)
    return _logistic(-9.4 + 1.35 * math.log1p(payment.amount) + 0.5 * idle + 2.2 * payment.new_country)


VERSIONS: Mapping[str, Callable[[Payment], float]] = {"41": _incumbent, "42": _candidate, "43": _retrained}
THRESHOLD = 0.5
_CENTS = 100


def declines(version: str, payment: Payment, *, in_cents: bool = False) -> bool:
    """Whether this version of the model would decline the payment; `in_cents`: as a broken pipeline sends it."""
    if in_cents:
        payment = replace(payment, amount=payment.amount * _CENTS)
    return VERSIONS[version](payment) >= THRESHOLD


def evaluation(version: str, beside: str, rows: int, seed: int) -> dict[str, object]:
    """F1 of two versions over the same drawn payments, as evidence for a gate."""
    source = random.Random(seed)
    drawn = [draw_payment(source) for _ in range(rows)]
    own, other = _f1(version, drawn), _f1(beside, drawn)
    return {
        "metrics": {"f1": {"value": own, "n": rows}},
        "incumbent": {"metrics": {"f1": {"value": other, "n": rows}}},
    }


def _f1(version: str, payments: Sequence[Payment]) -> float:
    answers = [(declines(version, one), one.fraud) for one in payments]
    hits = sum(said and true for said, true in answers)
    wrong = sum(said != true for said, true in answers)
    return round(2 * hits / (2 * hits + wrong), 4) if hits else 0.0
