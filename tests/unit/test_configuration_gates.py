"""Stages and the emergency class in a policy: every gate is held against its kind when the policy is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.configuration import load_configuration
from bot.adapters.secrets import EnvironmentSecrets
from bot.domain.configuration import Configuration
from bot.domain.errors import ConfigError
from bot.gates import load_gates
from playbooks.steps import load_steps

POLICY = """\
service: fraud
match: alert.labels.service == "fraud"
roles: {rollback_authority: [U0LEAD], champion: [U0CHAMP]}
targets:
  production: {deployer: "https://deploy.example.com", allow_hosts: [deploy.example.com]}
  staging: {deployer: "https://staging.example.com", allow_hosts: [staging.example.com]}
stages:
  - name: evaluation
    owner: champion
    gates:
      - {use: metric, metric: f1, at_least: 0.90, max_drop: 0.01}
      - use: checklist
        items: [{name: runbook, role: champion}]
  - name: staging
    gates:
      - {use: parity, url: "{{ target.deployer }}/digests", digests: body.a, headers: {X-Key: "{{ secret('KEY') }}"}}
      - {use: drift, at_most: 0.2, reference_file: train.ndjson}
    do: shift
  - name: production
    gates: [{use: expression, condition: "metrics.f1 > 0.9"}, {use: drill, playbook: back, within: 30d}]
    do: shift
emergency:
  gates: [{use: documents, require: [rollback_plan]}]
  do: shift
depends_on: [features]
"""
PLAYBOOKS = {
    "shift": "playbook: shift\nkind: promote\nsteps:\n  - {id: a, use: pause, with: {for: 1s}}\n",
    "back": "playbook: back\nkind: rollback\nsteps:\n  - {id: a, use: pause, with: {for: 1s}}\n",
}


def load(folder: Path, policy: str) -> Configuration:
    files = {"policies/fraud.yaml": policy, "references/train.ndjson": "{}"}
    files |= {f"playbooks/{name}.yaml": text for name, text in PLAYBOOKS.items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load_configuration(folder, steps=load_steps(), gates=load_gates(), shipped=folder / "none")


def faults_of(folder: Path, policy: str) -> list[str]:
    try:
        load(folder, policy)
    except ConfigError as error:
        return [str(fault).removeprefix(f"{folder}/") for fault in error.faults]
    return []


def test_a_policy_with_stages_loads_and_nothing_in_it_is_called_unused(tmp_path: Path) -> None:
    configuration = load(tmp_path, POLICY)
    assert [stage.name for stage in configuration.policy("fraud").stages] == ["evaluation", "staging", "production"]
    assert configuration.warnings == ()


BAD: list[tuple[str, str, int, str]] = [
    ("use: metric,", "use: metrc,", 11, "unknown gate 'metrc'; did you mean 'metric'? there are: canary, checklist"),
    ("at_least: 0.90", "at_last: 0.90", 11, "unknown key 'at_last'"),
    ("at_least: 0.90", 'at_least: "0.90"', 11, "'stages[0].gates[0].at_least' takes a number"),
    ("at_least: 0.90, max_drop: 0.01", "min_n: 5", 11, "say what is wanted: at_least, at_most"),
    ("metric: f1, ", "", 11, "'metric' is missing"),
    ("role: champion}]", "role: champions}]", 13, "unknown role 'champions'; did you mean 'champion'?"),
    ("role: champion}]", "role: champion}, {name: runbook, role: champion}]", 12, "two items are called 'runbook'"),
    ("{{ target.deployer }}/digests", "https://other.example.com/d", 16, "which the target 'staging' of 'fraud'"),
    ("{{ target.deployer }}/digests", "https://deploy.example.com/d", 16, "gate 'parity' of stage 'staging' calls"),
    ("allow_hosts: [staging.example.com]", "allow_hosts: [x.example.com]", 6, "gate 'parity' of stage 'staging' calls"),
    ("{{ target.deployer }}/digests", "{{ targets.deployer }}/digests", 16, "unknown variable 'targets'"),
    ("{{ target.deployer }}/digests", "{{ steps.a.output.url }}/digests", 16, "steps.a cannot be read here"),
    ("body.a,", "bodies.a,", 16, "'digests' is wrong: unknown variable 'bodies'"),
    ("secret('KEY')", "secret('ANDON_KEY')", 16, "'ANDON_KEY' cannot be the name of a secret"),
    ("train.ndjson}", "valid.ndjson}", 17, "there is no file references/valid.ndjson in the configuration"),
    ("train.ndjson}", "../policies/fraud.yaml}", 17, "is not the name of a file in references/"),
    ("metrics.f1 > 0.9", "metric.f1 > 0.9", 20, "unknown variable 'metric'"),
    ("metrics.f1 > 0.9", "metrics.f1 >", 20, "'condition' is wrong"),
    ("playbook: back", "playbook: bakc", 20, "unknown playbook 'bakc'; did you mean 'back'?"),
    ("within: 30d", "within: 30", 20, "a duration is written like"),
    ("    do: shift\n  - name: production", "    do: away\n  - name: production", 18, "unknown playbook 'away'"),
    ("    do: shift\n  - name: production", "    do: back\n  - name: production", 18,
     "the playbook 'back' is of kind rollback; here it must be one of promote, other"),
    ("require: [rollback_plan]", "require: []", 23, "'emergency.gates[0].require' must not be empty"),
    ("use: documents", "use: document", 23, "unknown gate 'document'; did you mean 'documents'?"),
    ("  do: shift\ndepends", "  do: back\ndepends", 24, "is of kind rollback; here it must be one of promote, other"),
    ("  do: shift\ndepends", "  do: shift\n  role: bosses\ndepends", 25, "unknown role 'bosses'"),
    ("gates: [{use: documents, require: [rollback_plan]}]", "gates: []", 23, "must not be empty"),
    ("owner: champion", "owner: boss", 9, "unknown role 'boss'"),
    ("depends_on: [features]", "depends_on: [fraud]", 25, "'fraud' cannot depend on itself"),
    ("depends_on: [features]", 'freeze: [{name: rest, from: "2026-12-20"}]', 25, "`from` and `to` go together"),
    ("    owner: champion", "    environment: moon", 8, "unknown target 'moon'; there are: production, staging"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "part"), BAD)
def test_a_bad_stage_is_refused_at_its_line(tmp_path: Path, old: str, new: str, line: int, part: str) -> None:
    assert POLICY.count(old) == 1, old
    found = faults_of(tmp_path, POLICY.replace(old, new))
    assert any(one.startswith(f"policies/fraud.yaml:{line}: ") and part in one for one in found), found


def test_a_gate_that_makes_calls_needs_a_target(tmp_path: Path) -> None:
    staging = next(line for line in POLICY.splitlines() if line.startswith("  staging:"))
    text = POLICY.replace(f"{staging}\n", "").replace("    do: shift\n  - name: prod", "  - name: prod")
    found = faults_of(tmp_path, text)
    where = "policies/fraud.yaml:15: gate 'parity' of stage 'staging' makes calls in the environment 'staging'"
    assert found == [f"{where}, which is none of the targets; there are: production"]


def test_an_address_that_a_target_lacks_is_warned_of(tmp_path: Path) -> None:
    text = POLICY.replace("target.deployer", "target.other")
    warnings = [str(one).removeprefix(f"{tmp_path}/") for one in load(tmp_path, text).warnings]
    reads = "gate 'parity' of stage 'staging' reads 'other', which the target 'staging' does not have"
    assert warnings == [f"policies/fraud.yaml:6: {reads}"]


def test_a_canary_gate_without_a_canary_is_warned_of(tmp_path: Path) -> None:
    text = POLICY.replace("{use: drill, playbook: back, within: 30d}", "{use: canary}")
    assert [str(one).removeprefix(f"{tmp_path}/") for one in load(tmp_path, text).warnings] == [
        "policies/fraud.yaml:19: its gate canary can never pass, because the policy has no 'canary:'"
    ]
    assert load(tmp_path, f"{text}canary: {{output: classes, tolerance: 0.02}}\n").warnings == ()


def test_a_secret_of_a_gate_that_is_not_set_is_warned_of(tmp_path: Path) -> None:
    load(tmp_path, POLICY)
    secrets = EnvironmentSecrets({}, folder=tmp_path)
    configuration = load_configuration(
        tmp_path, steps=load_steps(), gates=load_gates(), shipped=tmp_path / "none", secrets=secrets
    )
    assert [str(one).removeprefix(f"{tmp_path}/") for one in configuration.warnings] == [
        "policies/fraud.yaml:16: the secret KEY is not set"
    ]


def test_all_faults_of_all_gates_are_told_at_once(tmp_path: Path) -> None:
    text = POLICY.replace("at_least: 0.90", "at_last: 0.90").replace("use: documents", "use: document")
    assert [one.split(": ")[0] for one in faults_of(tmp_path, text)] == [
        "policies/fraud.yaml:11",
        "policies/fraud.yaml:23",
    ]


def test_a_way_to_everybody_without_a_gate_is_warned_of(tmp_path: Path) -> None:
    text = 'service: fraud\nmatch: alert.labels.service == "fraud"\nstages: [{name: staging}, {name: production%s}]\n'
    assert [str(one).removeprefix(f"{tmp_path}/") for one in load(tmp_path, text % "").warnings] == [
        (
            "policies/fraud.yaml:3: stage 'production' serves everybody, "
            "and neither it nor a stage before it has a gate: nothing is checked"
        )
    ]
    gate = ", gates: [{use: expression, condition: 'metrics.f1 > 0.9'}]"
    assert load(tmp_path, text % gate).warnings == ()
