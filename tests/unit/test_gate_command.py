"""The gate `command`, with real scripts that end well, badly, late, and in lies."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.asking_gates import AskingGate

from bot.adapters.conditions import compile_condition
from bot.domain.gates import Figure, GateVerdict

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN


def gate(root: Path, body: str, **values: Any) -> AskingGate:
    (root / "scripts").mkdir(exist_ok=True)
    script = root / "scripts" / "look"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return AskingGate("command", {"script": "look", **values}, root)


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        ("exit 0", PASS),
        ("exit 1", FAIL),
        ("exit 3", UNKNOWN),
        ("exit 2", UNKNOWN),
        ("exit 127", UNKNOWN),
        ("exit 255", UNKNOWN),
        ("kill -9 $$", UNKNOWN),
        ("no-such-program-anywhere", UNKNOWN),
    ],
)
def test_only_zero_passes_only_one_fails_and_every_other_end_is_unknown(
    tmp_path: Path, end: str, verdict: GateVerdict
) -> None:
    assert gate(tmp_path, end).judged().verdict is verdict


def test_a_script_that_is_stopped_at_the_deadline_is_unknown(tmp_path: Path) -> None:
    found = gate(tmp_path, "echo started; sleep 60", timeout="300ms").judged()

    assert found.verdict is UNKNOWN
    assert "stopped after" in found.why


def test_its_own_timeout_cannot_be_longer_than_that_of_the_gate(tmp_path: Path) -> None:
    asking = gate(tmp_path, "sleep 60", timeout="1h")
    asking.timeout = timedelta(seconds=0.3)

    assert asking.judged().verdict is UNKNOWN


def test_the_last_line_tells_why_and_gives_figures(tmp_path: Path) -> None:
    report = {
        "why": "rows agree",
        "figures": [{"name": "rows", "value": 12, "threshold": "at least 10", "low": 11, "high": 13.5, "n": 400}],
    }
    found = gate(tmp_path, f"echo looking; echo '{json.dumps(report)}'; echo").judged()

    assert (found.verdict, found.why) == (PASS, "rows agree")
    assert found.figures == (Figure("rows", 12.0, "at least 10", 11.0, 13.5, 400),)


def test_plain_words_in_the_last_line_are_the_reason(tmp_path: Path) -> None:
    assert gate(tmp_path, "echo first; echo 'three rows differ'; exit 1").judged().why == "three rows differ"
    assert gate(tmp_path, "exit 1").judged().why == "scripts/look says fail"


BROKEN = [
    '{"why": ',
    '{"why": 3}',
    '{"figures": {}}',
    '{"figures": [3]}',
    '{"figures": [{"value": 1}]}',
    '{"figures": [{"name": ""}]}',
    '{"figures": [{"name": "a", "value": NaN}]}',
    '{"figures": [{"name": "a", "value": true}]}',
    '{"figures": [{"name": "a", "value": "1"}]}',
    '{"figures": [{"name": "a", "value": 1, "n": -1}]}',
    '{"figures": [{"name": "a", "value": 1, "n": 1.5}]}',
    '{"figures": [{"name": "a", "value": 1, "unit": 5}]}',
    '{"figures": [{"name": "a", "value": 1e999}]}',
    '{"why": "a", "why": "b"}',
    '{"figures": [' + ",".join(['{"name": "a"}'] * 51) + "]}",
    '{"why": ' + "[" * 500,
]


@pytest.mark.parametrize("line", BROKEN)
def test_a_report_that_cannot_be_read_makes_a_pass_unknown_and_leaves_a_failure(tmp_path: Path, line: str) -> None:
    passing = gate(tmp_path, f"echo '{line}'; exit 0").judged()
    failing = gate(tmp_path, f"echo '{line}'; exit 1").judged()

    assert (passing.verdict, failing.verdict) == (UNKNOWN, FAIL)
    assert "cannot be read" in passing.why


def test_an_output_without_end_is_no_trouble(tmp_path: Path) -> None:
    body = "i=0; while [ $i -lt 3000 ]; do echo 'a line of thirty-two characters..'; i=$((i+1)); done; echo done"
    found = gate(tmp_path, body).judged()

    assert (found.verdict, found.why) == (PASS, "done")


def test_a_script_that_is_not_there_or_was_changed_is_never_run(tmp_path: Path) -> None:
    asking = gate(tmp_path, f"touch {tmp_path}/ran")
    asking.files.read("scripts", "look")
    gate(tmp_path, f"touch {tmp_path}/ran; exit 0")
    changed = asking.judged()
    missing = AskingGate("command", {"script": "nothing"}, tmp_path).judged()

    assert (changed.verdict, missing.verdict) == (UNKNOWN, UNKNOWN)
    assert "not the one that was pinned" in changed.why
    assert not (tmp_path / "ran").exists()


def test_a_script_that_changes_itself_while_it_runs_is_unknown(tmp_path: Path) -> None:
    assert gate(tmp_path, 'echo "# more" >> "$0"; exit 0').judged().verdict is UNKNOWN


def test_it_is_told_what_it_looks_at_and_nothing_of_the_house(tmp_path: Path) -> None:
    asking = gate(tmp_path, "env | grep ANDON_ | sort", args=["a", "b=c"], options={"--to": "42", "--dry": True})
    asking.judged()

    assert asking.measured is not None
    assert asking.measured.facts["stdout"].split() == [
        "ANDON_CANDIDATE=42",
        "ANDON_ENVIRONMENT=production",
        "ANDON_INCUMBENT=41",
        "ANDON_RELEASE=rel-1",
        "ANDON_SERVICE=fraud-model",
        "ANDON_STAGE=canary",
    ]
    assert asking.measured.query == "scripts/look --to 42 --dry a b=c"


def test_the_output_is_kept_with_the_digest_of_the_script_and_without_secrets(tmp_path: Path) -> None:
    asking = gate(tmp_path, 'echo "token $TOKEN"; echo "err $TOKEN" >&2; exit 1', env={"TOKEN": "s3cret-token"})
    found = asking.judged()

    assert asking.measured is not None
    script = (tmp_path / "scripts" / "look").read_bytes()
    assert found.details["sha256"] == hashlib.sha256(script).hexdigest()
    assert [(one.name, one.content) for one in asking.measured.fetched] == [
        ("command.stdout", b"token [hidden]\n"),
        ("command.stderr", b"err [hidden]\n"),
    ]
    assert "s3cret-token" not in asking.kept() + str(found) + asking.gate.title(asking.params)


def test_the_judgement_can_be_made_again_from_what_was_kept(tmp_path: Path) -> None:
    asking = gate(tmp_path, """echo '{"why": "so", "figures": [{"name": "a", "value": 1}]}'""")
    found = asking.judged()

    assert asking.measured is not None
    again = type(asking.measured)(json.loads(json.dumps(dict(asking.measured.facts), allow_nan=False)))
    assert asking.gate.judge(asking.params, again, compile_condition) == found


@pytest.mark.parametrize(
    "values",
    [
        {"script": "../look"},
        {"script": "/bin/sh"},
        {"args": ["--force"]},
        {"args": ["a b"]},
        {"env": {"ANDON_RELEASE": "other"}},
        {"timeout": "0s"},
        {"surprise": 1},
    ],
)
def test_parameters_that_could_surprise_a_script_are_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _ = gate(tmp_path, "exit 0", **values).params
