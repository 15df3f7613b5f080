"""The step run_script with real scripts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.step_stage import Stage

from bot.domain.outcomes import OutcomeKind
from playbooks.steps import load_steps

DONE, FAILED, UNKNOWN = OutcomeKind.DONE, OutcomeKind.FAILED, OutcomeKind.UNKNOWN


def script(folder: Path, body: str, **values: Any) -> Stage:
    path = folder / "restore.sh"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return Stage("run_script", {"script": "restore.sh", **values}, scripts=folder)


def test_it_runs_with_options_arguments_and_variables(tmp_path: Path) -> None:
    stage = script(
        tmp_path,
        'printf "%s|" "$@"; printf "%s" "$TOKEN"',
        options={"--to": "41", "--force": True, "--dry-run": False},
        args=["fraud-model", "s3://models/41"],
        env={"TOKEN": "any text; $(here)"},
    )
    outcome = stage.perform()

    assert outcome.kind is DONE
    assert outcome.output["stdout"] == "--to|41|--force|fraud-model|s3://models/41|any text; $(here)"
    assert outcome.output["exit_code"] == 0


def test_it_is_told_about_its_run(tmp_path: Path) -> None:
    stage = script(tmp_path, "echo $ANDON_RUN $ANDON_STEP $ANDON_FENCE $ANDON_IDEMPOTENCY_KEY $ANDON_DRILL")
    stage.drill = True

    assert stage.perform().output["stdout"] == "run-1 restore 7 run-1:restore true\n"


@pytest.mark.parametrize(
    ("body", "expect", "kind"),
    [
        ("exit 0", {}, DONE),
        ("exit 3", {}, FAILED),
        ("exit 3", {"exit_code": 3}, DONE),
        ("exit 3", {"exit_code": [0, 3]}, DONE),
        ("exit 0", {"exit_code": 3}, FAILED),
        ("kill -9 $$", {}, UNKNOWN),
        ("echo restored", {"condition": 'stdout.contains("restored")'}, DONE),
        ("echo nothing", {"condition": 'stdout.contains("restored")'}, FAILED),
        ("echo nothing", {"condition": "exit_code"}, UNKNOWN),
    ],
)
def test_its_end_is_held_against_what_is_expected(
    tmp_path: Path, body: str, expect: dict[str, Any], kind: OutcomeKind
) -> None:
    assert script(tmp_path, body, expect=expect).perform().kind is kind


def test_a_failure_shows_the_end_of_what_it_complained_about(tmp_path: Path) -> None:
    outcome = script(tmp_path, "echo first >&2; echo cannot reach target >&2; exit 1").perform()

    assert "exit code 1 was not expected: first cannot reach target" in outcome.error


def test_one_stopped_at_its_timeout_is_unknown(tmp_path: Path) -> None:
    stage = script(tmp_path, "echo begun; sleep 30")
    stage.timeout = timedelta(seconds=0.5)
    outcome = stage.perform()

    assert (outcome.kind, outcome.output["stdout"]) == (UNKNOWN, "begun\n")


def test_one_that_is_not_there_fails(tmp_path: Path) -> None:
    outcome = Stage("run_script", {"script": "missing"}, scripts=tmp_path).perform()

    assert outcome.kind is FAILED
    assert "no script missing" in outcome.error


def test_one_that_cannot_be_started_fails(tmp_path: Path) -> None:
    stage = script(tmp_path, "")
    (tmp_path / "restore.sh").write_text("#!/no/such/interpreter\n")

    assert stage.perform().kind is FAILED


@pytest.mark.parametrize(
    "values",
    [
        {"args": ["--force"]},
        {"args": ["-x"]},
        {"args": ["a b"]},
        {"args": ["$(x)"]},
        {"args": ["a;b"]},
        {"args": ["a\n"]},
        {"args": [""]},
        {"args": [41]},
        {"args": ["x" * 1001]},
        {"options": {"--to": "-x"}},
        {"options": {"--to": "a b"}},
        {"options": {"to": "41"}},
        {"options": {"--to=41": True}},
        {"env": {"ANDON_RUN": "other"}},
        {"env": {"lower": "x"}},
        {"env": {"A": 1}},
        {"script": "../restore.sh"},
        {"script": "Restore"},
        {"script": "/bin/sh"},
        {"script": "-x"},
        {"expect": {"exit_code": 256}},
        {"expect": {"exit_code": []}},
    ],
)
def test_parameters_that_could_surprise_a_script_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load_steps(["run_script"])["run_script"].Params.model_validate({"script": "restore.sh", **values})


def test_the_plan_shows_the_command_but_no_value_of_a_variable(tmp_path: Path) -> None:
    stage = script(tmp_path, "", options={"--to": "41"}, args=["x"], env={"TOKEN": "hunter2"})

    assert stage.step.plan(stage.params) == ["Run scripts/restore.sh --to 41 x with TOKEN"]
