"""The pipeline examples: valid by their schemas, and stopped by every verdict but pass when they are really run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from support.scripted_server import Answer, ScriptedServer, scripted_server

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "pipelines"
GATE_SCRIPT = EXAMPLES / "andon-gate.sh"
GITHUB = sorted(EXAMPLES.glob("github-*.yml"))
VERDICTS = {0: "pass", 1: "fail", 3: "unknown"}
RUNS = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))), reason="bash, curl and jq are needed to run the examples"
)
STARTED = '{"id": "rel-1", "status": "registered"}'


def loaded(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text("utf-8"))


@dataclass
class Bench:
    """A folder with stubs of every program that the examples call. Each call is written down."""

    root: Path
    exit_code: int = 0
    """Of the gate."""
    gate_answer: str = ""
    """What a call of the gate over HTTP answers."""
    status: int = 200
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / "bin").mkdir()
        (self.root / "ci").mkdir()
        (self.root / "ci" / "andon-gate.sh").write_text(GATE_SCRIPT.read_text("utf-8"))
        log = shlex.quote(str(self.root / "calls"))
        self.stub(
            "andon",
            f'echo "andon $*" >> {log}',
            f'case "$1" in gate) echo "{{}}"; exit {self.exit_code} ;; esac',
            f'case "$1 $2" in "release start") echo {shlex.quote(STARTED)} ;; esac',
        )
        answer = shlex.quote(f"{self.gate_answer}\n{self.status}")
        curl = f"printf '%s' {answer}" if self.gate_answer else "exit 7"
        self.stub("curl", "cat > /dev/null", f'echo "curl" >> {log}', curl)
        self.stub("gh", f'echo "gh $*" >> {log}')
        self.stub("pip", "exit 0")
        self.stub("sleep", "exit 0")
        self.stub("python", 'case "$1" in -c) echo rel-1 ;; *) echo "{}" > evaluation.json ;; esac')
        deploy = self.root / "deploy.sh"
        deploy.write_text(f'#!/bin/sh\necho "deploy" >> {log}\n')
        deploy.chmod(0o755)

    def stub(self, name: str, *lines: str) -> None:
        """A program on the path."""
        path = self.root / "bin" / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)

    def run(self, shell: Sequence[str], script: str, variables: Mapping[str, str] | None = None) -> int:
        """Run a script there, as the pipeline's shell would."""
        env = {
            "PATH": f"{self.root / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root),
            "ANDON_URL": "https://andon.example.com",
            "ANDON_TOKEN": "s3cret-token",
            "ANDON_EVERY": "0",
            "RELEASE": "rel-1",
            **{name: str(self.root / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")},
            **self.variables,
            **(variables or {}),
        }
        file = self.root / "script.sh"
        file.write_text(script)
        done = subprocess.run([*shell, str(file)], cwd=self.root, env=env, capture_output=True, text=True, check=False)
        return done.returncode

    @property
    def calls(self) -> list[str]:
        """What was called, in its order."""
        log = self.root / "calls"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def given_out(self) -> list[str]:
        """The outputs of steps on GitHub, `name=value` each."""
        path = self.root / "GITHUB_OUTPUT"
        return path.read_text().splitlines() if path.exists() else []


def plain(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Variables as a runner would fill them in."""
    filled = {name: re.sub(r"\$\{\{.*?\}\}", "filled", str(value)) for name, value in (values or {}).items()}
    return {**filled, "ANDON_WAIT": "0"} if "ANDON_WAIT" in filled else filled


def run_github(bench: Bench, workflow: Mapping[str, Any]) -> bool:
    """Whether the one job of a workflow ends well: steps in order, with the shell that GitHub uses by default."""
    (job,) = workflow["jobs"].values()
    bench.variables.update(plain(workflow.get("env")) | plain(job.get("env")))
    well = True
    for step in job["steps"]:
        if "run" not in step or (not well and step.get("if") != "always()"):
            continue
        assert step.get("continue-on-error") is None
        # What a step gave out is what later steps are given.
        given = dict(line.split("=", 1) for line in bench.given_out)
        env = {name: given.get(name.lower(), value) for name, value in plain(step.get("env")).items()}
        well = bench.run(["bash", "-e"], step["run"], env) == 0 and well
    return well


def run_gitlab(bench: Bench, document: Mapping[str, Any], jobs: Sequence[str]) -> bool:
    """Whether these jobs end well, in the order of their stages; GitLab runs bash with -e and pipefail."""
    bench.variables.update(plain(document["variables"]))
    for name in sorted(jobs, key=lambda one: document["stages"].index(document[one]["stage"])):
        lines = [*document["default"]["before_script"], *document[name]["script"]]
        if bench.run(["bash", "-eo", "pipefail"], "\n".join(lines)) != 0:
            return False
    return True


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_github_workflows_are_valid_by_the_published_schema(path: Path) -> None:
    judged = check_jsonschema("vendor.github-workflows", path)
    assert judged.returncode == 0, judged.stdout


def test_the_gitlab_pipeline_is_valid_by_the_published_schema() -> None:
    judged = check_jsonschema("vendor.gitlab-ci", EXAMPLES / "gitlab-ci.yml")
    assert judged.returncode == 0, judged.stdout


def test_the_schemas_catch_what_is_wrong(tmp_path: Path) -> None:
    workflow = tmp_path / "broken.yml"
    workflow.write_text("on: push\njobs: {a: {steps: [{runs: x}]}}\n")
    pipeline = tmp_path / "broken-ci.yml"
    pipeline.write_text("gate: {stage: [1], script: {}}\n")

    assert check_jsonschema("vendor.github-workflows", workflow).returncode == 1
    assert check_jsonschema("vendor.gitlab-ci", pipeline).returncode == 1


def check_jsonschema(schema: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Judge a file by a schema that check-jsonschema carries; nothing is fetched."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def shell_snippets() -> list[tuple[str, str]]:
    """Every piece of shell in the examples, with where it stands."""
    found = [("andon-gate.sh", GATE_SCRIPT.read_text("utf-8"))]
    for path in GITHUB:
        jobs = loaded(path.name)["jobs"].values()
        found += [(path.name, step["run"]) for job in jobs for step in job["steps"] if "run" in step]
    gitlab = loaded("gitlab-ci.yml")
    jobs = [job for job in gitlab.values() if isinstance(job, dict) and "script" in job]
    found += [("gitlab-ci.yml", line) for job in jobs for line in job["script"]]
    found += [("harness-shell-step.yaml", script) for script in harness_scripts()]
    found += [("Jenkinsfile", script) for script in jenkins_scripts()]
    return found


def harness_scripts() -> list[str]:
    (stage,) = loaded("harness-shell-step.yaml")["pipeline"]["stages"]
    steps = [one["step"] for one in stage["stage"]["spec"]["execution"]["steps"]]
    return [step["spec"]["source"]["spec"]["script"] for step in steps]


def jenkins_scripts() -> list[str]:
    return re.findall(r"sh '''\n(.*?)'''", (EXAMPLES / "Jenkinsfile").read_text("utf-8"), re.DOTALL)


@RUNS
@pytest.mark.parametrize(("where", "script"), shell_snippets())
def test_every_piece_of_shell_is_shell(where: str, script: str) -> None:
    judged = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (judged.returncode, judged.stderr) == (0, "")


@pytest.mark.parametrize(("where", "script"), shell_snippets())
def test_nothing_foreign_is_pasted_into_shell(where: str, script: str) -> None:
    """What a runner fills in comes as a variable: pasted into a script, it could be one."""
    assert re.findall(r"\$\{\{|<\+", script) == []


@RUNS
@pytest.mark.parametrize("exit_code", [0, 1, 3, 2, 127])
def test_a_github_release_is_promoted_after_a_pass_and_nothing_else(tmp_path: Path, exit_code: int) -> None:
    bench = Bench(tmp_path, exit_code)
    well = run_github(bench, loaded("github-release.yml"))

    promoted = "andon release promote rel-1"
    assert well is (exit_code == 0)
    assert (promoted in bench.calls) is (exit_code == 0)
    assert "andon evidence push rel-1 --name evaluation evaluation.json" in bench.calls
    assert "release=rel-1" in (tmp_path / "GITHUB_OUTPUT").read_text()


@RUNS
@pytest.mark.parametrize("name", ["github-http.yml", "github-pull-request.yml"])
@pytest.mark.parametrize(
    "answer",
    ['{"verdict": "pass"}', '{"verdict": "fail"}', '{"verdict": "unknown"}', "<html>", "[]", '"pass"', "{}", ""],
)
def test_the_http_workflows_go_on_after_a_pass_and_nothing_else(tmp_path: Path, name: str, answer: str) -> None:
    bench = Bench(tmp_path, gate_answer=answer)
    well = run_github(bench, loaded(name))

    assert well is (answer == '{"verdict": "pass"}')
    if name == "github-http.yml":
        assert ("deploy" in bench.calls) is well


@RUNS
@pytest.mark.parametrize("exit_code", [0, 1, 3, 2, 127])
def test_a_gitlab_release_is_promoted_after_a_pass_and_nothing_else(tmp_path: Path, exit_code: int) -> None:
    bench = Bench(tmp_path, exit_code)
    bench.variables["CI_COMMIT_TAG"] = "42"
    document = loaded("gitlab-ci.yml")
    well = run_gitlab(bench, document, ["promote", "gate", "evaluate"])

    assert well is (exit_code == 0)
    assert ("andon release promote rel-1" in bench.calls) is (exit_code == 0)
    assert (tmp_path / "release.env").read_text() == "RELEASE=rel-1\n"
    assert [name for name, job in document.items() if isinstance(job, dict) and "allow_failure" in job] == []


@RUNS
def test_the_backtest_becomes_a_note_on_the_merge_request(tmp_path: Path) -> None:
    bench = Bench(tmp_path, gate_answer="{}")
    bench.variables |= {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "aaa", "CI_COMMIT_SHA": "bbb"}

    assert run_gitlab(bench, loaded("gitlab-ci.yml"), ["policy-backtest"])
    assert bench.calls == ["andon check", "andon policy backtest --from aaa --to bbb --markdown", "curl"]


@RUNS
@pytest.mark.parametrize("exit_code", [0, 1, 3, 2, 127])
def test_a_jenkins_release_is_promoted_after_a_pass_and_nothing_else(tmp_path: Path, exit_code: int) -> None:
    bench = Bench(tmp_path, exit_code)
    bench.variables |= {"CANDIDATE": "42", "SERVICE": "fraud-model"}
    codes: list[int] = []
    for script in jenkins_scripts():
        codes.append(bench.run(["sh", "-xe"], script))
        if codes[-1] != 0:
            break

    assert len(jenkins_scripts()) == 3
    assert (codes == [0, 0, 0]) is (exit_code == 0)
    assert ("andon release promote rel-1" in bench.calls) is (exit_code == 0)


def test_the_jenkinsfile_is_a_declarative_pipeline_that_hides_no_exit_code() -> None:
    text = (EXAMPLES / "Jenkinsfile").read_text("utf-8")
    bare = re.sub(r"'''.*?'''|'(?:\\.|[^'\\\n])*'|//[^\n]*", "''", text, flags=re.DOTALL)
    depth = 0
    for bracket in re.findall(r"[{}()\[\]]", bare):
        depth += 1 if bracket in "{([" else -1
        assert depth >= 0
    sections = re.findall(r"^    (\w+) ?[({]", bare, re.MULTILINE)

    assert depth == 0
    assert bare.lstrip("' \n").startswith("pipeline {")
    assert sections == ["agent", "options", "parameters", "environment", "stages", "post"]
    assert bare.count("stage(") == len(jenkins_scripts())
    assert [word for word in ("catchError", "returnStatus", "|| true", "warnError", "unstable(") if word in text] == []


@RUNS
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('{"verdict": "pass"}', 0),
        ('{"verdict": "fail"}', 1),
        ('{"verdict": "unknown"}', 3),
        ('{"verdict": null}', 3),
        ('["pass"]', 3),
        ("<html>", 3),
        ("", 3),
    ],
)
@pytest.mark.parametrize("status", [200, 302])
def test_the_harness_shell_step_passes_after_a_pass_and_nothing_else(
    tmp_path: Path, answer: str, code: int, status: int
) -> None:
    bench = Bench(tmp_path, gate_answer=answer, status=status)
    if status != 200:
        code = 3
    assert bench.run(["bash"], harness_scripts()[0], {"SERVICE": "fraud-model"}) == code


def test_the_harness_steps_have_the_shape_of_steps_and_a_failure_is_never_ignored() -> None:
    (stage,) = loaded("harness-shell-step.yaml")["pipeline"]["stages"]
    gate, deploy = (one["step"] for one in stage["stage"]["spec"]["execution"]["steps"])
    http = loaded("harness-http-step.yaml")["step"]

    assert (gate["type"], deploy["type"], http["type"]) == ("ShellScript", "ShellScript", "Http")
    for step in (gate, deploy, http):
        assert re.fullmatch(r"[a-z_]+", step["identifier"])
        assert re.fullmatch(r"\d+[smh]", step["timeout"])
    for step in (gate, http):
        assert [one["onFailure"]["action"]["type"] for one in step["failureStrategies"]] == ["MarkAsFailure"]
    (token,) = [one for one in gate["spec"]["environmentVariables"] if one["name"] == "ANDON_TOKEN"]
    assert token["type"] == "Secret"
    assert set(http["spec"]) == {"method", "url", "headers", "assertion", "outputVariables"}
    assert "secrets" not in http["spec"]["url"]
    assert http["spec"]["assertion"] == (
        '<+httpResponseCode> == 200 && <+json.object(httpResponseBody).verdict> == "pass"'
    )


TEXT, COUNT = {"type": "string", "minLength": 1}, {"type": ["integer", "string"]}
SPAN = {"type": "string", "pattern": r"^\d+[smh]$"}


def closed(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "additionalProperties": False, "properties": properties}


WEB = closed(
    ["url"],
    url=TEXT,
    method={"enum": ["GET", "POST", "PUT"]},
    body=TEXT,
    headers={"type": "array", "items": closed(["key", "value"], key=TEXT, value=TEXT)},
    timeoutSeconds={"type": "integer"},
    jsonPath=TEXT,
    insecure={"type": "boolean"},
)
METRIC = closed(
    ["name", "provider"],
    name=TEXT,
    interval=SPAN,
    initialDelay=SPAN,
    count=COUNT,
    failureLimit=COUNT,
    inconclusiveLimit=COUNT,
    consecutiveErrorLimit=COUNT,
    successCondition=TEXT,
    failureCondition=TEXT,
    provider=closed(["web"], web=WEB),
)
REFERENCE = closed(["secretKeyRef"], secretKeyRef=closed(["name", "key"], name=TEXT, key=TEXT))
ANALYSIS_TEMPLATE = closed(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "argoproj.io/v1alpha1"},
    kind={"const": "AnalysisTemplate"},
    metadata=closed(["name"], name=TEXT, namespace=TEXT),
    spec=closed(
        ["metrics"],
        args={"type": "array", "items": closed(["name"], name=TEXT, value=TEXT, valueFrom=REFERENCE)},
        metrics={"type": "array", "minItems": 1, "items": METRIC},
    ),
)
"""The part of the custom resource that a web metric needs, after its published definition."""


def test_the_analysis_template_has_the_shape_of_its_custom_resource() -> None:
    jsonschema.validate(loaded("argo-analysis-template.yaml"), ANALYSIS_TEMPLATE)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**loaded("argo-analysis-template.yaml"), "kind": "AnalysisRun"}, ANALYSIS_TEMPLATE)


def test_in_argo_unknown_is_neither_success_nor_failure() -> None:
    """Both conditions are given, and an answer that fits neither is inconclusive."""
    (metric,) = loaded("argo-analysis-template.yaml")["spec"]["metrics"]
    conditions = (metric["successCondition"], metric["failureCondition"])

    assert conditions == ('result == "pass"', 'result == "fail"')
    assert (metric["count"], metric["failureLimit"], metric["inconclusiveLimit"]) == (1, 0, 0)
    assert metric["provider"]["web"]["jsonPath"] == "{$.verdict}"
    arguments = {one["name"] for one in loaded("argo-analysis-template.yaml")["spec"]["args"]}
    used = set(re.findall(r"\{\{\s*args\.([\w-]+)\s*\}\}", str(metric)))
    assert used == arguments


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def ask(server: ScriptedServer, tmp_path: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The shell form against a real server, with the real curl and jq."""
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "ANDON_EVERY": "0"}
    given = {"ANDON_URL": server.url, "ANDON_TOKEN": "s3cret-token", **variables}
    command = ["sh", str(GATE_SCRIPT), *(words or ("fraud-model",))]
    return subprocess.run(command, env=env | given, capture_output=True, text=True, check=False)


@RUNS
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, {"verdict": "pass", "gates": []}), 0),
        (Answer(200, {"verdict": "fail"}), 1),
        (Answer(200, {"verdict": "unknown"}), 3),
        (Answer(200, {"verdict": "PASS"}), 3),
        (Answer(200, {"verdict": True}), 3),
        (Answer(200, {"verdict": ["pass"]}), 3),
        (Answer(200, {}), 3),
        (Answer(200, ["pass"]), 3),
        (Answer(200, "pass"), 3),
        (Answer(200, '{"verdict": "pass"'), 3),
        (Answer(200, ""), 3),
        (Answer(503, {"verdict": "pass"}), 3),
        (Answer(401, {"verdict": "pass"}), 3),
        (Answer(302, {"verdict": "pass"}, {"Location": "/login"}), 3),
        (Answer(0), 3),
    ],
)
def test_the_shell_form_passes_after_a_clear_pass_and_nothing_else(
    server: ScriptedServer, tmp_path: Path, answer: Answer, code: int
) -> None:
    server.will(answer)
    asked = ask(server, tmp_path)

    assert asked.returncode == code, asked.stderr
    assert server.received[0].path == "/api/v1/services/fraud-model/gate"
    assert server.received[0].headers["authorization"] == "Bearer s3cret-token"
    assert "s3cret-token" not in asked.stdout + asked.stderr


@RUNS
def test_the_shell_form_waits_while_it_is_unknown_and_not_longer(server: ScriptedServer, tmp_path: Path) -> None:
    unknown, passing = Answer(200, {"verdict": "unknown"}), Answer(200, {"verdict": "pass"})
    server.will(unknown, Answer(503), passing)
    assert ask(server, tmp_path, ANDON_WAIT="60").returncode == 0
    assert len(server.received) == 3

    server.will(unknown, Answer(200, {"verdict": "fail"}), passing)
    assert ask(server, tmp_path, ANDON_WAIT="60").returncode == 1


@RUNS
def test_the_shell_form_refuses_what_is_no_service(server: ScriptedServer, tmp_path: Path) -> None:
    assert ask(server, tmp_path, "../halt?x=1").returncode == 2
    assert ask(server, tmp_path, ANDON_TOKEN="").returncode != 0
    assert server.received == []


def test_every_example_is_named_on_its_page() -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")
    files = [path.name for path in EXAMPLES.iterdir() if path.name != "README.md"]
    assert [name for name in files if f"[{name}]({name})" not in page] == []
