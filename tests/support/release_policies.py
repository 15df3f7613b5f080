"""Files of the release story: a policy whose releases walk through four stages, its playbooks, and what gates read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.written_config import Tree, playbook, write_config

MODEL = "{{ target.deployer }}/models/fraud-model"
CHANNEL = "C0MLREL"
TOLERANCE = 0.02
_WHERE = "body.serving == candidate || body.candidate == candidate || body.serving == incumbent"


def shift(name: str, percent: int) -> Tree:
    """A playbook of kind promote that gives the candidate a share, or all, and looks whether it has it."""
    proof = f'body.candidate == "{{{{ release.candidate }}}}" && body.percent == {percent}'
    if percent == 100:
        proof = 'body.serving == "{{ release.candidate }}"'
    wanted = {"candidate": "{{ release.candidate }}", "incumbent": "{{ release.incumbent }}", "percent": percent}
    act = {
        "id": "shift",
        "use": "http_request",
        "with": {"method": "POST", "url": f"{MODEL}/traffic", "json": wanted},
        "timeout": "10s",
        "tries": 3,
        "if_interrupted": "repeat",
    }
    return playbook(name, act, _proof(proof), kind="promote", summary=f"Give the candidate {percent} % of the traffic")


def _proof(condition: str) -> Tree:
    look = {"url": MODEL, "expect": {"status": 200, "condition": condition}, "timeout": "20s", "every": "200ms"}
    return {"id": "proof", "use": "wait_for_http", "with": look}


BACK = playbook(
    "all_back",
    {
        "id": "incumbent",
        "use": "check_incumbent",
        "with": {"url": MODEL, "available": "incumbent in body.versions", "serving": _WHERE},
        "timeout": "5s",
    },
    {
        "id": "restore",
        "use": "http_request",
        "with": {
            "method": "POST",
            "url": f"{MODEL}/rollback",
            "json": {"from": "{{ release.candidate }}", "to": "{{ release.incumbent }}"},
        },
        "timeout": "10s",
        "tries": 3,
        "if_interrupted": "repeat",
    },
    _proof('body.serving == "{{ release.incumbent }}" && body.percent == 0'),
    {
        "id": "verify",
        "use": "wait_for_metric",
        "with": {
            "scrape": "{{ target.deployer }}/metrics",
            "metric": "model_wrong_ratio",
            "condition": "value < 0.05",
            "for": "500ms",
            "timeout": "60s",
            "every": "100ms",
        },
    },
)

GATES: list[Tree] = [
    {"use": "metric", "metric": "f1", "at_least": 0.9, "max_drop": 0.02, "min_n": 1000},
    {"use": "latency", "quantile": "p99", "at_most": "250ms", "evidence": "latency"},
    {"use": "metric", "name": "accuracy of rows", "metric": "accuracy", "at_least": 0.9, "evidence": "rows"},
    {"use": "fairness", "metric": "accuracy", "by": "region", "max_difference": 0.2, "evidence": "regions"},
    {"use": "schema", "reference_file": "features.json"},
    {"use": "documents", "require": ["risk_assessment", "impact_analysis", "rollback_plan"]},
    {
        "use": "synthetic",
        "suite": "fraud.json",
        "url": "{{ target.deployer }}/shadow/{{ release.candidate }}",
        "read": "body.decline",
    },
    {"use": "command", "script": "look.sh"},
]

STAGES: list[Tree] = [
    {
        "name": "evaluation",
        "summary": "Is it good enough on payments it has not seen?",
        "owner": "champion",
        "evidence": [
            {
                "name": "evaluation",
                "http": {
                    "url": f"{MODEL}/evaluation?version={{{{ release.candidate }}}}&beside={{{{ release.incumbent }}}}"
                },
            }
        ],
        "gates": GATES,
    },
    {"name": "canary", "summary": "The same payments, scored by both", "owner": "champion", "do": "shift_share"},
    {
        "name": "production",
        "summary": "Everybody",
        "do": "shift_all",
        "gates": [{"use": "checklist", "items": [{"name": "runbook", "role": "champion"}]}],
    },
    {"name": "watch", "summary": "The guard goes on", "window": "2s", "advance": "automatic"},
]
FIELDS = [
    {"name": "amount", "type": "float64", "nullable": False},
    {"name": "idle_hours", "type": "float64", "nullable": False},
    {"name": "new_country", "type": "bool", "nullable": False},
]
MANIFEST: Tree = {
    "objective": "Fewer good cards are declined",
    "expected_effect": "Half a percent fewer declined cards at the same losses",
    "success_measures": ["F1 at least 0.9 on last week's payments"],
    "alternatives": ["Keep 41 and raise its threshold; losses would grow"],
    "acceptable_risk": "Losses may rise by 1 % for a week",
    "author": "mia",
    "risk_assessment": {"text": "Large amounts from new countries move most."},
    "impact_analysis": {"text": "Checkout reads the decision; nothing else does."},
    "rollout_plan": {"text": "A tenth of the traffic, then everybody, then a watch."},
    "rollback_plan": {"text": "Playbook all_back gives all traffic to 41 within a minute."},
    "data_schema": {"fields": FIELDS},
}
SUITE = [
    {
        "name": "a coffee",
        "input": {"amount": 4.2, "idle_hours": 3, "new_country": False, "fraud": False},
        "expect": False,
    },
    {
        "name": "a stolen card",
        "input": {"amount": 900, "idle_hours": 200, "new_country": True, "fraud": True},
        "expect": True,
    },
]
SCRIPT = """#!/bin/sh
echo '{"why": "row counts agree", "figures": [{"name": "rows", "value": 10412, "threshold": "at least 10000"}]}'
"""


def release_policy(service: str, deployer: str, **more: Any) -> Tree:
    """A service whose releases walk through four stages beside a canary that rolls back by itself."""
    return {
        "service": service,
        "summary": "Card fraud scores served to checkout",
        "match": f'alert.labels.service == "{service}"',
        "severity": {"SEV-1": 'alert.labels.severity == "critical"', "SEV-2": 'alert.labels.severity == "warning"'},
        "roles": {"champion": ["ada"], "rollback_authority": ["olga", "otto"], "endorser": ["otto"]},
        "audiences": {
            "engineering": {"slack": CHANNEL},
            "product": {"email": ["pm@example.com"]},
            "executive": {"email": ["vp@example.com"], "timezone": "Europe/Berlin"},
        },
        "baseline": "41",
        "stages": STAGES,
        "canary": {
            "output": "classes",
            "tolerance": TOLERANCE,
            "min_pairs": 200,
            "on_divergence": {"playbook": "all_back", "authority": "automatic", "within": "5m"},
        },
        "live": {"production": {"url": MODEL, "version": "body.serving", "every": "1s"}},
        "targets": {"production": {"deployer": deployer, "allow_hosts": ["127.0.0.1"]}},
        **more,
    }


def write_story_config(folder: Path, policies: Iterable[Tree]) -> Path:
    """All files of the configuration, those that gates read among them."""
    config = write_config(folder, policies, [shift("shift_share", 10), shift("shift_all", 100), BACK])
    for kind, name, text in (
        ("suites", "fraud.json", json.dumps(SUITE)),
        ("references", "features.json", json.dumps({"fields": FIELDS})),
        ("scripts", "look.sh", SCRIPT),
    ):
        (config / kind).mkdir(exist_ok=True)
        (config / kind / name).write_text(text, encoding="utf-8")
    (config / "scripts/look.sh").chmod(0o755)
    return config
