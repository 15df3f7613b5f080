"""Whole configuration folders: what good ones give, what is warned of, and what ships."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bot.adapters.configuration import load_configuration
from bot.adapters.configuration.example import write_example
from bot.adapters.secrets import EnvironmentSecrets
from bot.adapters.shipped import shipped_folder
from bot.domain.configuration import Configuration
from bot.domain.errors import ConfigError
from bot.domain.outcomes import Outcome
from bot.domain.playbooks import IfInterrupted, Playbook
from bot.gates import load_gates
from bot.plugins import Step, StepContext, StepParams
from playbooks.steps import load_steps

CONTRACT = Path(__file__).parent.parent / "data/configuration"

POLICY = """\
service: fraud
match: alert.labels.service == "fraud"
roles: {rollback_authority: [U0LEAD]}
rollback:
  - {name: diverged, when: "true", playbook: back}
targets:
  production: {deployer: "http://127.0.0.1:8000", allow_hosts: ["127.0.0.1:8000"]}
"""


class NoParams(StepParams):
    """Takes nothing."""


class Effect:
    """A step that acts, and can look whether it did."""

    name: ClassVar[str] = "effect"
    summary: ClassVar[str] = "Acts"
    Params: ClassVar[type[StepParams]] = NoParams

    def acts(self, raw: Mapping[str, Any]) -> bool:
        return True

    def plan(self, params: Any) -> Sequence[str]:
        return ["acts"]

    def perform(self, params: Any, ctx: StepContext) -> Outcome:
        return Outcome.done()

    def check(self, params: Any, ctx: StepContext) -> Outcome:
        return Outcome.done()


def load(folder: Path, *, steps: Mapping[str, Step] | None = None, **more: Any) -> Configuration:
    return load_configuration(
        folder, steps=steps or load_steps(), gates=load_gates(), shipped=shipped_folder("playbooks"), **more
    )


def written(folder: Path, **files: str) -> Path:
    for name, text in {"policies/fraud.yaml": POLICY, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def playbook(*steps: str) -> dict[str, str]:
    return {"playbooks/back.yaml": "playbook: back\nsteps:\n" + "".join(f"  - {step}\n" for step in steps)}


def test_the_contracts_policy_and_playbook_load_word_for_word() -> None:
    configuration = load(CONTRACT)
    policy = configuration.policy("fraud-model")
    assert [criterion.name for criterion in policy.rollback] == ["prediction divergence", "anything critical"]
    assert policy.matches({"alert": {"labels": {"model": "fraud-model"}}})
    steps = configuration.playbook("rollback_model").steps
    assert [step.id for step in steps] == ["confirm", "restore", "verify", "accept"]
    assert all(step.if_interrupted is IfInterrupted.REPEAT for step in steps)


def test_every_part_that_nothing_acts_on_yet_is_warned_of_with_its_line() -> None:
    warnings = {str(warning).removeprefix(f"{CONTRACT}/") for warning in load(CONTRACT).warnings}
    unused = {text.split(": ")[1].split(" ")[0] for text in warnings if text.endswith("nothing acts on it yet")}
    assert not any(one.startswith(("stable", "drills", "stages")) for one in unused)
    assert not {"update_every", "escalation", "meeting", "rollback[1].approval.then"} & unused
    assert not any("fallbacks" in text for text in warnings), "an empty list asks for nothing"
    assert not any("meeting" in text for text in warnings)


def test_what_ships_loads_without_a_warning(tmp_path: Path) -> None:
    for path in sorted(shipped_folder("playbooks").glob("*.yaml")):
        kind = "halt: {playbook: stop_promotion}\n" if path.stem == "stop_promotion" else ""
        policy = POLICY if kind else POLICY.replace("playbook: back", f"playbook: {path.stem}")
        text = f"{policy}{kind}".replace("deployer:", 'service_url: "http://127.0.0.1:8000/s", deployer:')
        configuration = load(
            written(
                tmp_path / path.stem,
                **{"policies/fraud.yaml": text},
                **playbook("{id: a, use: pause, with: {for: 1s}}"),
            )
        )
        assert path.stem in configuration.playbooks
        assert configuration.warnings == ()


def test_all_three_playbooks_ship() -> None:
    assert {path.stem for path in shipped_folder("playbooks").glob("*.yaml")} >= {
        "rollback_model",
        "rollback_service",
        "stop_promotion",
    }


def test_the_example_passes_without_fault_and_without_warning(tmp_path: Path) -> None:
    files = write_example(tmp_path / "config")
    assert {path.name for path in files} >= {"fraud-model.yaml", "rollback_fraud_model.yaml", "secrets.env.example"}
    configuration = load(tmp_path / "config")
    assert "fraud-model" in configuration.policies
    assert configuration.warnings == ()


def test_what_the_example_has_commented_out_holds_once_it_is_uncommented(tmp_path: Path) -> None:
    write_example(tmp_path)
    file = tmp_path / "policies/fraud-model.yaml"
    written_out = re.sub(r"^#(?! \S)", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    file.write_text(written_out, encoding="utf-8")
    policy = load(tmp_path).policy("fraud-model")
    assert policy.canary is not None
    assert policy.emergency is not None
    assert [one.name for one in policy.freeze] == ["year end", "weekend"]
    assert (policy.baseline, policy.depends_on, policy.live_stage) == ("41", ("payments",), "production")


def test_the_example_overwrites_nothing(tmp_path: Path) -> None:
    files = write_example(tmp_path)
    files[0].write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="is there already"):
        write_example(tmp_path)
    assert files[0].read_text(encoding="utf-8") == "mine"


def test_the_example_is_not_mixed_with_policies_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has policies already"):
        write_example(written(tmp_path))
    assert not (tmp_path / "playbooks").exists()


def test_a_playbook_of_the_folder_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = "playbook: rollback_model\nsteps: [{id: a, use: pause, with: {for: 1s}}]\n"
    text = POLICY.replace("back}", "rollback_model}")
    folder = written(tmp_path, **{"policies/fraud.yaml": text, "playbooks/rollback_model.yaml": own})
    assert [step.id for step in load(folder).playbook("rollback_model").steps] == ["a"]


def test_a_policy_carries_the_digest_of_its_file(tmp_path: Path) -> None:
    folder = written(tmp_path, **playbook("{id: a, use: pause, with: {for: 1s}}"))
    configuration = load(folder)
    assert configuration.policy("fraud").digest == hashlib.sha256(POLICY.encode()).hexdigest()[:16]
    (folder / "policies/fraud.yaml").write_text(f"{POLICY}# changed\n", encoding="utf-8")
    assert load(folder).digest != configuration.digest


HTTP = "id: a, use: http_request"
URL = "url: 'http://127.0.0.1:8000'"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (f"{HTTP}, with: {{method: GET, {URL}}}", IfInterrupted.REPEAT),
        (f"{HTTP}, with: {{method: POST, {URL}}}", IfInterrupted.ASK),
        (f"{HTTP}, with: {{method: '{{{{ target.m }}}}', {URL}}}", IfInterrupted.ASK),
        (f"{HTTP}, if_interrupted: repeat, with: {{method: POST, {URL}}}", IfInterrupted.REPEAT),
        ("id: a, use: freeze_release", IfInterrupted.REPEAT),
        ("id: a, use: run_script, with: {script: x.sh}", IfInterrupted.ASK),
    ],
)
def test_what_acts_asks_when_interrupted_unless_the_file_says_more(
    tmp_path: Path, step: str, expected: IfInterrupted
) -> None:
    (found,) = load(written(tmp_path, **playbook(f"{{{step}}}"))).playbook("back").steps
    assert found.if_interrupted is expected


def test_a_step_that_can_look_for_its_effect_needs_no_check(tmp_path: Path) -> None:
    folder = written(tmp_path, **playbook("{id: a, use: effect, if_interrupted: check}"))
    (step,) = load(folder, steps={**load_steps(), "effect": Effect()}).playbook("back").steps
    assert step.if_interrupted is IfInterrupted.CHECK


def test_a_loaded_playbook_survives_being_kept_as_json(tmp_path: Path) -> None:
    folder = written(
        tmp_path, **playbook("{id: a, use: http_request, with: {url: 'http://127.0.0.1:8000/{{ service }}'}}")
    )
    loaded = load(folder).playbook("back")
    assert Playbook.model_validate(loaded.as_json()) == loaded


def test_numbers_and_truth_values_in_parameters_keep_their_type(tmp_path: Path) -> None:
    step = f"{{{HTTP}, with: {{method: POST, {URL}, json: {{n: 1, b: true, f: 1.5, v: '1.10'}}}}}}"
    (found,) = load(written(tmp_path, **playbook(step))).playbook("back").steps
    assert found.with_["json"] == {"n": 1, "b": True, "f": 1.5, "v": "1.10"}


def test_templates_fit_wherever_a_parameter_has_another_type(tmp_path: Path) -> None:
    steps = (
        "{id: a, use: pause, with: {for: '{{ target.pause }}'}}",
        (
            "{id: b, use: http_request, with: {method: '{{ target.m }}', url: '{{ target.deployer }}', "
            "expect: {status: ['{{ target.s }}']}}}"
        ),
    )
    assert len(load(written(tmp_path, **playbook(*steps))).playbook("back").steps) == 2


def test_an_address_that_only_a_run_knows_is_left_to_the_run(tmp_path: Path) -> None:
    step = "{id: a, use: http_request, with: {url: 'http://{{ alert.labels.host }}/x'}}"
    assert "back" in load(written(tmp_path, **playbook(step))).playbooks


def test_a_key_that_a_target_does_not_have_is_warned_of(tmp_path: Path) -> None:
    step = "{id: a, use: http_request, with: {url: '{{ target.absent }}/x'}}"
    (warning,) = load(written(tmp_path, **playbook(step))).warnings
    assert str(warning).endswith(
        "fraud.yaml:7: step 'a' of playbook 'back' reads 'absent', which the target 'production' does not have"
    )


@pytest.mark.parametrize(
    ("entry", "is_allowed"),
    [("127.0.0.1", True), ("127.0.0.1:8000", True), ("127.0.0.1:8001", False), ("localhost", False)],
)
def test_an_entry_with_a_port_allows_that_port_only(tmp_path: Path, entry: str, is_allowed: bool) -> None:
    text = POLICY.replace('["127.0.0.1:8000"]', f'["{entry}"]')
    step = "{id: a, use: http_request, with: {url: '{{ target.deployer }}/x'}}"
    folder = written(tmp_path, **{"policies/fraud.yaml": text}, **playbook(step))
    if is_allowed:
        assert load(folder).policy("fraud").targets["production"].allow_hosts == (entry,)
    else:
        with pytest.raises(ConfigError, match=r"calls http://127\.0\.0\.1:8000, which the target 'production'"):
            load(folder)


def test_a_secret_that_is_not_set_is_warned_of(tmp_path: Path) -> None:
    step = "{id: a, use: http_request, with: {url: 'http://127.0.0.1:8000', headers: {a: \"{{ secret('TOKEN') }}\"}}}"
    folder = written(tmp_path, **playbook(step))
    (warning,) = load(folder, secrets=EnvironmentSecrets({})).warnings
    assert str(warning).endswith("back.yaml:3: the secret TOKEN is not set")
    assert load(folder, secrets=EnvironmentSecrets({"TOKEN": "some-value"})).warnings == ()


def test_what_is_valid_but_looks_wrong_is_warned_of(tmp_path: Path) -> None:
    text = POLICY.replace("[U0LEAD]", "[]").replace("production:", "elsewhere:")
    folder = written(tmp_path, **{"policies/fraud.yaml": text}, **playbook("{id: a, use: pause, with: {for: 1s}}"))
    words = " | ".join(warning.message for warning in load(folder).warnings)
    assert "the role 'rollback_authority' has no members" in words
    assert "inside the cooldown automatic criteria ask the role rollback_authority" in words
    assert "no target has that name" in words
