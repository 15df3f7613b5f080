"""The pin of a release: what was in force at its start comes back as it was, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.written_config import BY_CHECK, BY_KEY, BY_PERSON

from bot.adapters.conditions import compile_condition
from bot.adapters.configuration import load_configuration
from bot.adapters.configuration.example import write_example
from bot.adapters.shipped import shipped_folder
from bot.domain.configuration import Configuration
from bot.domain.errors import Refused
from bot.domain.pins import Pin, digest_of, read_pin
from bot.domain.playbooks import Playbook
from bot.domain.policies import Policy
from bot.domain.walks import ReleaseKind
from bot.gates import load_gates
from playbooks.steps import load_steps

ROOT = Path(__file__).parents[2]

EVERY_KEY: dict[str, Any] = {
    "service": "fraud",
    "summary": "Scores „with ünicode“ and \U0001f600",
    "match": 'alert.labels.service == "fraud"',
    "environment": "alert.labels.environment",
    "mode": "observe",
    "severity": {"SEV-1": 'alert.labels.severity == "critical"', "SEV-2": "true"},
    "roles": {"champion": ["olga"], "endorser": ["otto"], "rollback_authority": ["olga", "otto"]},
    "persons": {"olga": ["U0OLGA", "olga"]},
    "audiences": {
        "engineering": {},
        "product": {
            "slack": "#p",
            "email": ["p@example.com"],
            "min_severity": "SEV-2",
            "quiet": "22:00-07:00",
            "timezone": "Europe/Berlin",
            "max_per_hour": 3,
        },
    },
    "update_every": "90s",
    "meeting": {"invite": ["champion"], "within": "45m"},
    "escalation": [
        {"after": "5m", "notify": "champion", "page": "pagerduty"},
        {"after": "1h30m", "notify": "opsgenie"},
    ],
    "release": {"incumbent": "41", "candidate": "1.10", "author": "nina"},
    "rollback": [
        {
            "name": "a",
            "when": 'severity == "SEV-1"',
            "playbook": "by_key",
            "authority": "champion",
            "within": "1h",
            "approval": {"expires": "90s", "then": "escalate"},
        },
    ],
    "halt": {"playbook": "by_person"},
    "cooldown": "0s",
    "stable": {
        "window": "10m",
        "metrics": [{"prometheus": "{{ target.prometheus }}", "query": "up", "condition": "value == 1.0"}],
        "endorse": "endorser",
    },
    "fallbacks": ["by_check"],
    "targets": {
        "production": {
            "deployer": "http://127.0.0.1:9",
            "port": 80,
            "ratio": 0.5,
            "on": True,
            "allow_hosts": ["[::1]:9"],
        },
        "staging": {"allow_hosts": []},
    },
    "canary": {
        "output": "numbers",
        "tolerance": 0.05,
        "alpha": 0.01,
        "min_pairs": 500,
        "min_pairs_diverged": 40,
        "unit": 25,
        "relative": 0.1,
        "absolute": 0.0,
        "top_k": 5,
        "slices": ["de", "fr"],
        "latency": {"quantile": 0.95, "max_ratio": 1.5},
        "errors": 0.02,
        "labels": {"max_drop": 0.03},
        "grace": "30s",
        "watch": "2h",
        "on_divergence": {"playbook": "by_key", "authority": "champion", "within": "3m"},
    },
    "stages": [
        {
            "name": "evaluation",
            "summary": "Is it good?",
            "owner": "champion",
            "advance": "automatic",
            "window": "1m30s",
            "environment": "staging",
            "drilled_within": "30d",
            "gates": [
                {
                    "use": "metric",
                    "name": "good",
                    "severity": "SEV-2",
                    "metric": "f1",
                    "at_least": 0.9,
                    "by": "country",
                },
                {"use": "checklist", "items": [{"name": "runbook", "role": "champion", "not_author": True}]},
                {"use": "schema", "expected": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}},
            ],
        },
        {"name": "canary"},
        {"name": "production", "do": "by_key", "live": True},
        {"name": "watch", "window": "24h"},
    ],
    "freeze": [
        {"name": "year end", "from": "2026-12-20", "to": "2027-01-02", "timezone": "Europe/Berlin"},
        {"name": "nights", "days": ["friday", "saturday"], "hours": "22:00-06:00"},
    ],
    "emergency": {
        "gates": [{"use": "metric", "metric": "f1", "at_least": 0.7}],
        "do": "by_key",
        "role": "champion",
        "retrospective_within": 3,
    },
    "baseline": "40",
    "depends_on": ["features", "payments"],
    "live": {
        "production": {
            "url": "{{ target.deployer }}/v",
            "version": "body.version",
            "headers": {"A": "b"},
            "every": "30s",
        }
    },
    "drills": [
        {
            "playbook": "by_key",
            "environment": "staging",
            "cron": "0 9 * * 1",
            "objective": "4m",
            "remind": ["1d", "1h"],
            "alert": {"alertname": "x"},
            "inject": [
                {
                    "id": "one",
                    "use": "http_request",
                    "with": {"url": "http://127.0.0.1:9"},
                    "timeout": "5s",
                    "tries": 2,
                    "if_interrupted": "check",
                    "check": {"use": "pause", "with": {"for": "1s"}},
                    "undo": {"use": "pause", "with": {"for": "1s"}},
                }
            ],
        },
    ],
    "assumed_restore": "4m",
    "team": "risk",
    "game_days": [{"days": ["friday"], "hours": "09:00-16:00", "timezone": "Europe/Berlin"}],
    "postmortem": {"SEV-1": "2d", "SEV-2": "5 working days", "SEV-3": "off", "sign_off": ["champion"]},
    "review_every": "90d",
}


def policy_of(plain: dict[str, Any]) -> Policy:
    """Compiled, with a digest as the loader sets it."""
    made = Policy.model_validate(plain, context={"compile": compile_condition})
    return made.model_copy(update={"digest": digest_of(json.dumps(plain, sort_keys=True).encode())})


def back(pin: Pin) -> Pin:
    """The pin as it is read again."""
    content = pin.as_bytes()
    return read_pin(content, digest_of(content), compile_condition)


def assert_same(pin: Pin) -> None:
    again = back(pin)
    assert again == pin
    assert again.policy.digest == pin.policy.digest
    assert again.stages == pin.stages
    assert again.as_bytes() == pin.as_bytes(), "the same pin has the same digest, whoever writes it"


def test_the_policy_of_this_test_has_every_key_there_is() -> None:
    names = {field.alias or name for name, field in Policy.model_fields.items()} - {"digest"}
    assert names == set(EVERY_KEY)


@pytest.mark.parametrize("kind", list(ReleaseKind))
def test_a_policy_with_every_key_comes_back_as_it_was(kind: ReleaseKind) -> None:
    playbooks = {one["playbook"]: Playbook.model_validate(one) for one in (BY_KEY, BY_CHECK, BY_PERSON)}
    assert_same(Pin(policy_of(EVERY_KEY), kind, playbooks, {"scripts/check.sh": "a" * 64}))


@pytest.mark.parametrize("key", sorted(set(EVERY_KEY) - {"service", "match"}))
def test_each_key_alone_comes_back_as_it_was(key: str) -> None:
    needed = {name: EVERY_KEY[name] for name in ("service", "match", "roles", "targets")}
    assert_same(Pin(policy_of({**needed, key: EVERY_KEY[key]})))


def test_conditions_judge_the_same_after_they_were_pinned() -> None:
    policy, again = policy_of(EVERY_KEY), back(Pin(policy_of(EVERY_KEY))).policy
    for service in ("fraud", "other"):
        facts = {"alert": {"labels": {"service": service, "severity": "critical"}}}
        assert policy.matches(facts) == again.matches(facts) == (service == "fraud")
        assert policy.severity_of(facts) == again.severity_of(facts)


def configurations() -> list[Path]:
    """Folders of policies that ship or that tests use."""
    return sorted(
        {
            path.parent.parent
            for path in [*ROOT.glob("examples/**/policies/*.yaml"), *ROOT.glob("tests/data/**/policies/*.yaml")]
        }
    )


def load(folder: Path) -> Configuration:
    return load_configuration(folder, steps=load_steps(), gates=load_gates(), shipped=shipped_folder("playbooks"))


def assert_all_survive(configuration: Configuration) -> None:
    assert configuration.policies
    for policy in configuration.policies.values():
        for kind in ReleaseKind:
            assert_same(Pin(policy, kind, dict(configuration.playbooks)))


@pytest.mark.parametrize("folder", configurations(), ids=lambda one: str(one.relative_to(ROOT)))
def test_every_policy_and_playbook_of_the_project_survives_its_pin(folder: Path) -> None:
    assert_all_survive(load(folder))


def test_the_example_survives_its_pin(tmp_path: Path) -> None:
    write_example(tmp_path)
    assert_all_survive(load(tmp_path))


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(params=st.dictionaries(st.sampled_from(["metric", "items", "expected", "é", "q"]), plain_values, max_size=4))
def test_whatever_parameters_a_gate_has_they_come_back(params: dict[str, Any]) -> None:
    stages = [{"name": "evaluation", "gates": [{"use": "anything", **params}]}]
    pin = Pin(policy_of({"service": "s", "match": "true", "stages": stages}))
    assert_same(pin)
    assert back(pin).stages[0].gates[0].params == params


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_altered_bit_is_refused(at: int, bit: int) -> None:
    content = bytearray(Pin(policy_of(EVERY_KEY)).as_bytes())
    digest = digest_of(bytes(content))
    content[at % len(content)] ^= 1 << bit
    with pytest.raises(Refused, match="not the one"):
        read_pin(bytes(content), digest, compile_condition)


SOUND = {
    "policy": {"service": "s", "match": "true"}, "policy_digest": "", "kind": "standard", "playbooks": {}, "files": {},
}  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b'"text"', b"{}", b'{"policy": 1}', b"\xff\xfe"),
        *(json.dumps({**SOUND, **more}).encode() for more in ({"kind": "other"}, {"playbooks": []}, {"playbooks": 1})),
        *(json.dumps({**SOUND, "policy": policy}).encode() for policy in ({}, {"service": "s", "match": "nonsense("})),
    ],
)
def test_bytes_of_another_shape_are_refused_in_words_even_under_their_own_digest(content: bytes) -> None:
    with pytest.raises(Refused, match="cannot be read by this version"):
        read_pin(content, digest_of(content), compile_condition)


def test_a_canary_stage_of_a_policy_with_a_canary_is_never_passed_without_its_comparison() -> None:
    pin = Pin(policy_of(EVERY_KEY))
    stage = pin.stage("canary")
    assert stage is not None
    assert [gate.use for gate in stage.gates] == ["canary"]
    bare = Pin(policy_of({key: value for key, value in EVERY_KEY.items() if key != "canary"})).stage("canary")
    assert bare is not None
    assert bare.gates == ()
