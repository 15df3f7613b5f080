"""The digest of a plan: of exactly the playbook and the facts, whatever their order."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bot.domain.playbooks import Playbook, plan_hash

PLAYBOOK = {
    "playbook": "rollback",
    "steps": [
        {"id": "restore", "use": "http_request", "with": {"url": "http://a/ü\u2028", "json": {"b": 1, "a": 0.1}}}
    ],
}


@pytest.mark.parametrize(
    "facts", [{}, {"service": "fraud", "target": {"z": "\ud800", "a": None}, "steps": [1, 2.5e-7]}]
)
def test_it_is_that_of_one_canonical_json_text(facts: dict[str, Any]) -> None:
    playbook = Playbook.model_validate(PLAYBOOK)
    whole = {"facts": facts, "playbook": playbook.model_dump(mode="json", by_alias=True)}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    assert plan_hash(playbook, facts) == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert plan_hash(playbook, dict(reversed(facts.items()))) == plan_hash(playbook, facts)
    assert plan_hash(playbook, {**facts, "other": 1}) != plan_hash(playbook, facts)
