"""Each fault of a deployer against http_request: the outcome, and what was really done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.ledger import Ledger, running_ledger
from support.step_stage import Stage

from bot.domain.outcomes import OutcomeKind

DONE, FAILED, UNKNOWN, LATER = OutcomeKind.DONE, OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.TRY_LATER


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with running_ledger(tmp_path) as running:
        yield running


def restore(ledger: Ledger, what: str) -> Stage:
    stage = Stage("http_request", {"method": "POST", "url": f"{ledger.url}/effects/{what}", "json": {"to": "41"}})
    stage.timeout = timedelta(seconds=1)
    return stage


@pytest.mark.parametrize(
    ("mode", "more", "kind", "effects"),
    [
        ("status", {"status": 500}, UNKNOWN, 0),
        ("status", {"status": 429, "retry_after": "2"}, LATER, 0),
        ("status", {"status": 503, "retry_after": "2"}, LATER, 0),
        ("status", {"status": 400}, FAILED, 0),
        ("status_after", {"status": 500}, UNKNOWN, 1),
        ("status_after", {"status": 504}, UNKNOWN, 1),
        ("hang", {"seconds": 3}, UNKNOWN, 0),
        ("hang_after", {"seconds": 3}, UNKNOWN, 1),
        ("reset", {}, UNKNOWN, 0),
        ("reset_after", {}, UNKNOWN, 1),
        ("drip_headers", {}, UNKNOWN, 1),
        ("drip_body", {}, UNKNOWN, 1),
        ("slow", {"seconds": 0.3}, DONE, 1),
    ],
)
def test_a_fault_is_never_taken_for_success_and_a_second_try_never_doubles(
    ledger: Ledger, mode: str, more: dict[str, Any], kind: OutcomeKind, effects: int
) -> None:
    what = f"{mode}-{more.get('status', '')}"
    ledger.fault(mode, **more)

    assert restore(ledger, what).perform().kind is kind
    assert len(ledger.effects(what)) == effects

    ledger.control(fault=None)
    assert restore(ledger, what).perform().kind is DONE
    assert len(ledger.effects(what)) == 1
    assert {call["key"] for call in ledger.calls(what)} == {"run-1:restore"}


def test_a_stale_fence_is_refused_by_the_target_and_fails(ledger: Ledger) -> None:
    ledger.control(fences=True)
    stage = Stage("http_request", {"method": "POST", "url": f"{ledger.url}/effects/fenced"})
    assert stage.perform().kind is DONE
    ledger.control(dedup=False)
    newer = {"Idempotency-Key": "other", "Andon-Fence": "8"}
    ledger.send("POST", "/effects/fenced", headers=newer)
    outcome = stage.perform()

    assert outcome.kind is FAILED
    assert "409" in outcome.error
    assert "fence 7 is older than 8" in outcome.error
