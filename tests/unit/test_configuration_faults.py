"""Bad files: each is refused with its line and a sentence that says what is wrong and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.configuration import load_configuration
from bot.domain.errors import ConfigError
from bot.gates import load_gates
from playbooks.steps import load_steps

POLICY = """\
service: fraud
match: alert.labels.service == "fraud"
severity:
  SEV-1: alert.labels.severity == "critical"
roles: {rollback_authority: [U0LEAD], endorser: [U0LEAD]}
audiences: {engineering: {}}
release: {incumbent: "41", candidate: "42"}
rollback:
  - name: diverged
    when: alert.labels.alertname == "Diverged"
    playbook: back
    authority: rollback_authority
    within: 5m
cooldown: 30m
targets:
  production: {deployer: "https://deploy.example.com", allow_hosts: [deploy.example.com]}
"""

PLAYBOOK = """\
playbook: back
kind: rollback
summary: Put it back
steps:
  - id: look
    use: http_request
    with: {method: GET, url: "{{ target.deployer }}/x"}
  - id: restore
    use: http_request
    with:
      method: POST
      url: "{{ target.deployer }}/rollback"
      json: {to: "{{ release.incumbent }}", was: "{{ steps.look.output.body }}"}
    timeout: 30s
    if_interrupted: repeat
  - id: verify
    use: wait_for_metric
    with: {prometheus: "{{ target.deployer }}", query: up, condition: "value < 0.01", for: 2m, timeout: 10m}
"""


def faults_of(folder: Path, policy: str, playbook: str) -> list[str]:
    for name, text in (("policies/fraud.yaml", policy), ("playbooks/back.yaml", playbook)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    try:
        load_configuration(folder, steps=load_steps(), gates=load_gates(), shipped=folder / "none")
    except ConfigError as error:
        return [str(fault).removeprefix(f"{folder}/") for fault in error.faults]
    return []


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def test_the_files_that_the_tables_below_spoil_are_good(tmp_path: Path) -> None:
    assert faults_of(tmp_path, POLICY, PLAYBOOK) == []


BAD_POLICIES = [
    ("service: fraud\n", "service: other\n", 1, "service is 'other', but the file is called fraud.yaml"),
    ("service: fraud\n", "", 1, "'service' is missing"),
    ("service: fraud\n", "service: [fraud]\n", 1, "'service' takes text: put it in quotes"),
    ("service: fraud\n", "service: 12\n", 1, "'service' takes text"),
    ("match:", "matches:", 2, "unknown key 'matches'; did you mean 'match'?"),
    ("match:", "matches:", 1, "'match' is missing"),
    ("match: alert", "match: aler", 2, "unknown variable 'aler' in the condition; there are: alert"),
    ('== "fraud"', '= "fraud"', 2, "not a condition in CEL"),
    ('alert.labels.service == "fraud"', "true and false", 2, "not a condition in CEL"),
    ('alert.labels.service == "fraud"', "[1]", 2, "'match' is wrong: a condition is text"),
    ("  SEV-1:", "  SEV-9:", 4, "is one of 'SEV-1', 'SEV-2', 'SEV-3', 'SEV-4'"),
    ("  SEV-1:", "  SEV-1: true\n  SEV-1:", 5, "the key 'SEV-1' stands here twice; the first is in line 4"),
    ('incumbent: "41"', "incumbent: 41", 7, 'a version is a string: write "41" in quotes'),
    ('candidate: "42"', "candidate: 1.10", 7, 'a version is a string: write "1.10" in quotes'),
    ('candidate: "42"', "candidate: true", 7, 'a version is a string: write "true" in quotes'),
    ('candidate: "42"', "candidate: 2e5", 7, 'a version is a string: write "2e5" in quotes'),
    ('candidate: "42"', "candidate: 042", 7, '042 is not a plain decimal number: write "042"'),
    ('candidate: "42"', "candidate: ", 7, "a version is a string"),
    (', candidate: "42"', "", 7, "'candidate' is missing in 'release'"),
    ("release: {", "release: &r {", 7, "anchors are not allowed"),
    ("  - name: diverged\n    when", "  - when", 9, "'name' is missing in 'rollback[0]'"),
    ("    when:", "    if:", 10, "unknown key 'if' in 'rollback[0]'; there are: approval, authority, name,"),
    ("    playbook: back", "    playbook: bakc", 11, "unknown playbook 'bakc'; did you mean 'back'? there are: back"),
    ("    playbook: back", "    playbook: _back", 11, "a name starts with a letter or digit"),
    ("authority: rollback_authority", "authority: rollback_autority", 12, "did you mean 'rollback_authority'?"),
    ("authority: rollback_authority", "authority: [a]", 12, "'rollback[0].authority' takes text"),
    ("within: 5m", "within: 5", 13, "a duration is written like 30s, 5m or 2h"),
    ("within: 5m", "within: 5 minutes", 13, "'5 minutes' is not a duration"),
    ("within: 5m", "within: 0s", 13, "a duration above zero is needed"),
    ("within: 5m", "within: 90000d", 13, "is too long"),
    ("within: 5m", "within: 5m\n    approval: {then: maybe}", 14, "is one of 'hold', 'escalate'"),
    ("within: 5m", "within: 5m\n    approval: {expire: 5m}", 14, "unknown key 'expire' in 'rollback[0].approval'"),
    ("cooldown: 30m", "cooldown: -5m", 14, "'-5m' is not a duration"),
    ("cooldown: 30m", "cooldown: 12:30", 14, "'12:30' is not a duration"),
    ("cooldown: 30m", "mode: dry", 14, "'mode' is one of 'act', 'observe'"),
    ("cooldown: 30m", "mode: yes", 14, "'mode' is one of 'act', 'observe'"),
    ("cooldown: 30m", "digest: abc", 14, "unknown key 'digest'"),
    ("cooldown: 30m", "fallbacks: [away]", 14, "unknown playbook 'away'"),
    ("cooldown: 30m", "fallbacks: back", 14, "'fallbacks' takes a list"),
    ("cooldown: 30m", "halt: {playbook: back}", 14, "'back' is of kind rollback; here it must be one of halt, other"),
    ("cooldown: 30m", "stable: {endorse: endorsers}", 14, "unknown role 'endorsers'; did you mean 'endorser'?"),
    ("within: 5m", "within: 5m\n    owner: nobody", 14, "unknown role 'nobody'"),
    (
        "cooldown: 30m",
        "stable: {metrics: [{prometheus: 'http://x.example', query: q, condition: value}]}",
        14,
        "calls http://x.example, which no target allows in its allow_hosts",
    ),
    (
        "cooldown: 30m",
        "stable: {metrics: [{prometheus: '{{ target.none }}', query: q, condition: value > 1.0}]}",
        14,
        "unknown key of the targets 'none'",
    ),
    (
        "cooldown: 30m",
        "stable: {metrics: [{prometheus: '{{ run }}', query: q, condition: value > 1.0}]}",
        14,
        "unknown variable 'run'",
    ),
    ("cooldown: 30m", "stable: {metrics: [{prometheus: p, query: q, condition: other > 1.0}]}", 14, "other"),
    ("cooldown: 30m", "stable: {every: 0s}", 14, "a duration above zero is needed"),
    ("cooldown: 30m", "escalation: [{after: 5m, notify: boss}]", 14, "unknown role 'boss'"),
    ("cooldown: 30m", "escalation: [{after: 5m, notify: pagerdty}]", 14, "did you mean 'pagerduty'?"),
    ("cooldown: 30m", "escalation: [{after: 5m, notify: endorser, page: pager}]", 14, "'pagerduty', 'opsgenie'"),
    ("cooldown: 30m", "meeting: {invite: [boss]}", 14, "unknown role 'boss'"),
    ("cooldown: 30m", "persons: {a: [U1], b: [U1]}", 1, "'U1' stands with two persons"),
    ("cooldown: 30m", "canary: {output: classes, tolerance: 2}", 14, "must be less than 1"),
    ("cooldown: 30m", "canary: {output: words, tolerance: 0.1}", 14, "is one of 'classes', 'scores'"),
    ("cooldown: 30m", "canary: {output: classes, tolerance: .nan}", 14, ".nan is not a plain decimal number"),
    ("cooldown: 30m", "stages: [{name: a, do: away}]", 14, "unknown playbook 'away'"),
    ("cooldown: 30m", "drills: [{playbook: back}]", 14, "unknown target 'staging'; there are: production"),
    (
        "cooldown: 30m",
        'drills: [{playbook: back, environment: production, cron: "0 25 * * *"}]',
        14,
        "25 is outside 0-23",
    ),
    ("cooldown: 30m", 'drills: [{playbook: back, environment: production, cron: "daily"}]', 14, "five fields"),
    ("cooldown: 30m", 'drills: [{playbook: back, environment: production, cron: "5-1 * * * *"}]', 14, "cannot be read"),
    ("cooldown: 30m", 'drills: [{playbook: back, environment: production, cron: "0 0 31 4 *"}]', 14, "cannot be read"),
    (
        "cooldown: 30m",
        (
            "drills: [{playbook: back, environment: production, cron: 0 1 * * 7}, "
            "{playbook: back, environment: production, cron: 0  1 * * 7}]"
        ),
        14,
        "the same playbook, environment and time as drill 1",
    ),
    ("cooldown: 30m", "drills: [{playbook: back, environment: production, timezone: Mars/Base}]", 14, "time zone"),
    (
        "cooldown: 30m",
        "drills: [{playbook: back, environment: production, tell: [boss]}]",
        14,
        "unknown audience 'boss'",
    ),
    ("cooldown: 30m", "game_days: [{days: [friday], hours: 9-17}]", 14, "quiet hours are written"),
    (
        "cooldown: 30m",
        "drills: [{playbook: back, environment: production, inject: [{id: a, use: wiat}]}]",
        14,
        "unknown step 'wiat'",
    ),
    ("audiences: {engineering: {}}", "audiences: {a: {min_severity: 1}}", 6, "is one of 'SEV-1'"),
    ("audiences: {engineering: {}}", 'audiences: {a: {quiet: "22-7"}}', 6, "quiet hours are written"),
    ("audiences: {engineering: {}}", "audiences: {a: {timezone: Mars/Base}}", 6, "is not a time zone"),
    ("audiences: {engineering: {}}", "audiences: {a: {max_per_hour: 0}}", 6, "must be greater than or equal to 1"),
    ("audiences: {engineering: {}}", "audiences: {a: {max_per_hour: true}}", 6, "takes a whole number"),
    ("audiences: {engineering: {}}", "audiences:", 6, "'audiences' takes a map of keys and values"),
    ("[deploy.example.com]", "[other.example.com]", 16, "does not allow; allowed there: other.example.com"),
    ("[deploy.example.com]", '["deploy.example.com:8443"]', 16, "does not allow"),
    ("[deploy.example.com]", '["https://deploy.example.com"]', 16, "is no host; write deploy.example.com"),
    ("[deploy.example.com]", '["*.example.com"]', 16, "is no host"),
    (", allow_hosts: [deploy.example.com]", "", 16, "it has no allow_hosts"),
    ('"https://deploy', '"ftp://deploy', 16, "An address starts with ftp"),
    ('"https://deploy', '"https://user:pw@deploy', 16, "carries a user name or password"),
    ('"https://deploy', '"deploy', 16, "has an address that cannot be used"),
    ('deployer: "https://deploy.example.com"', "deployer: [a]", 16, "'deployer' must be text or a number"),
    ("targets:\n  production", "other:\n  production", 15, "unknown key 'other'"),
]


@pytest.mark.parametrize(("old", "new", "line", "part"), BAD_POLICIES)
def test_a_bad_policy_is_refused_at_its_line(tmp_path: Path, old: str, new: str, line: int, part: str) -> None:
    found = faults_of(tmp_path, changed(POLICY, old, new), PLAYBOOK)
    if part.startswith("rollback criteria"):
        found = faults_of(tmp_path, POLICY.split("targets:", maxsplit=1)[0], PLAYBOOK)
    assert any(fault.startswith(f"policies/fraud.yaml:{line}: ") and part in fault for fault in found), found


BAD_PLAYBOOKS = [
    ("playbook: back\n", "playbook: forth\n", 1, "playbook is 'forth', but the file is called back.yaml"),
    ("kind: rollback", "kind: rolback", 2, "is one of 'halt', 'rollback', 'promote', 'drill', 'other'"),
    ("kind: rollback", "kind: rollback\non_failure: retry", 3, "is one of 'stop', 'undo'"),
    ("summary: Put it back", "sumary: Put it back", 3, "unknown key 'sumary'; did you mean 'summary'?"),
    ("  - id: look", "  - name: look", 5, "unknown key 'name' in 'steps[0]'"),
    ("  - id: look", "  - name: look", 5, "'id' is missing in 'steps[0]'"),
    ("  - id: look", "  - id: _look", 5, "a name starts with a letter or digit"),
    ("  - id: restore", "  - id: look", 1, "two steps are called 'look'"),
    ("    use: http_request", "    use: http_reqest", 6, "unknown step 'http_reqest'; did you mean 'http_request'?"),
    ("    use: http_request", "    use: shell", 6, "unknown step 'shell'; there are: ask_approval, check_incumbent,"),
    ("{method: GET, url:", "{method: GET, ulr:", 7, "unknown key 'ulr' in 'steps[0].with'; did you mean 'url'?"),
    ("{method: GET, url:", "{method: GET, ulr:", 7, "'url' is missing in 'steps[0].with'"),
    ("method: GET", "method: FETCH", 7, "'steps[0].with.method'"),
    ("method: GET", "timeout: 5s", 7, "unknown key 'timeout' in 'steps[0].with'"),
    ("{{ target.deployer }}/x", "{{ traget.deployer }}/x", 7, "unknown variable 'traget'; did you mean 'target'?"),
    ("{{ target.deployer }}/x", "{{ target.deployer /x", 7, "is never closed"),
    ("{{ target.deployer }}/x", "{{ target.__class__ }}", 7, "the name '__class__' is not allowed"),
    ("{{ target.deployer }}/x", "{{ target|attr('x') }}", 7, "there is no filter 'attr'; there are: default,"),
    ("{{ target.deployer }}/x", "{% if true %}x{% endif %}", 7, "only {{ expressions }} may stand here"),
    ("{{ target.deployer }}/x", "{{ secret(service) }}", 7, "with its name written out"),
    ("{{ target.deployer }}/x", "{{ secret('lower') }}", 7, "'lower' cannot be the name of a secret"),
    ("{{ target.deployer }}/x", "{{ secret('ANDON_TOKEN') }}", 7, "cannot be the name of a secret"),
    ("{{ target.deployer }}/x", "https://elsewhere.example.com/x", 7, "calls https://elsewhere.example.com, which"),
    (
        "{{ target.deployer }}/x",
        "https://elsewhere.example.com/{{ alert.labels.x }}",
        7,
        "which the target 'production' of 'fraud' does not allow; allowed there: deploy.example.com",
    ),
    ("{{ target.deployer }}/x", "file:///etc/passwd", 7, "an address starts with http:// or https://"),
    ("{{ target.deployer }}/x", "http://a@b/x", 7, "no user name"),
    ("steps.look.output", "steps.restore.output", 13, "steps.restore cannot be read here: no earlier step has that id"),
    ("steps.look.output", "steps.verify.output", 13, "no earlier step has that id; there are: look"),
    ("steps.look.output", "steps.away.output", 13, "no earlier step has that id"),
    ('json: {to: "', 'json: {_to: "', 13, "names with a leading underscore"),
    ("    timeout: 30s", "    timeout: 30", 14, "a duration is written like 30s, 5m or 2h"),
    ("    timeout: 30s", "    tries: 0", 14, "must be greater than or equal to 1"),
    ("    timeout: 30s", '    tries: "3"', 14, "takes a whole number"),
    ("    timeout: 30s", "    timeout: {{ x }}", 14, "a key is plain text"),
    ("if_interrupted: repeat", "if_interrupted: hope", 15, "is one of 'repeat', 'check', 'ask'"),
    ("if_interrupted: repeat", "if_interrupted: check", 15, "if_interrupted: check needs a 'check:' action"),
    (
        "if_interrupted: repeat",
        "check: {use: http_request, with: {url: 'https://evil.example.com/'}}",
        15,
        "calls https://evil.example.com",
    ),
    ("if_interrupted: repeat", "undo: {use: htp_request}", 15, "unknown step 'htp_request'"),
    ("if_interrupted: repeat", "undo: {use: http_request}", 15, "'url' is missing"),
    ("if_interrupted: repeat", "undo: {use: pause, with: {for: 1}}", 15, "a duration is written like"),
    ("value < 0.01", "valeu < 0.01", 18, "unknown variable 'valeu' in the condition; there are: value"),
    ("value < 0.01", "value <", 18, "not a condition in CEL"),
    ("value < 0.01", "vlaue < {{ release.share }}", 18, "unknown variable 'vlaue'"),
    (', condition: "value < 0.01"', "", 18, "'condition' is missing in 'steps[2].with'"),
    ("for: 2m", "for: forever", 18, "'forever' is not a duration"),
    ("for: 2m", "for: 20m", 18, "longer than `timeout`"),
]


@pytest.mark.parametrize(("old", "new", "line", "part"), BAD_PLAYBOOKS)
def test_a_bad_playbook_is_refused_at_its_line(tmp_path: Path, old: str, new: str, line: int, part: str) -> None:
    found = faults_of(tmp_path, POLICY, changed(PLAYBOOK, old, new))
    assert any(fault.startswith(f"playbooks/back.yaml:{line}: ") and part in fault for fault in found), found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the file must be a map that starts with 'playbook:'"),
        ("- a\n- b\n", "the file must be a map"),
        ("just words\n", "the file must be a map"),
        ("playbook: back\nsteps: []\n", "'steps' must not be empty"),
        ("playbook: back\n", "'steps' is missing"),
    ],
)
def test_a_file_that_is_no_playbook_is_refused(tmp_path: Path, text: str, part: str) -> None:
    found = faults_of(tmp_path, POLICY, text)
    assert any(fault.startswith("playbooks/back.yaml:") and part in fault for fault in found), found
    assert not any("unknown playbook" in fault for fault in found)


def test_the_faults_of_all_files_are_told_at_once_in_order(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        changed(changed(POLICY, "within: 5m", "within: soon"), "match:", "matches:"),
        changed(PLAYBOOK, "use: http_request", "use: shell"),
    )
    assert [fault.split(": ")[0] for fault in found] == [
        "playbooks/back.yaml:6",
        "policies/fraud.yaml:1",
        "policies/fraud.yaml:2",
        "policies/fraud.yaml:13",
    ]


def test_a_role_that_a_playbook_asks_must_be_in_every_policy_that_uses_it(tmp_path: Path) -> None:
    asking = f"{PLAYBOOK}  - id: accept\n    use: ask_approval\n    with: {{role: champion, question: Fine?}}\n"
    (found,) = faults_of(tmp_path, POLICY, asking)
    assert found == (
        "policies/fraud.yaml:11: the playbook 'back' asks the role 'champion' in its step 'accept', which this policy "
        "does not have; there are: endorser, rollback_authority"
    )


def test_rollback_criteria_need_targets(tmp_path: Path) -> None:
    (found,) = faults_of(tmp_path, POLICY.split("targets:", maxsplit=1)[0], PLAYBOOK)
    assert found == "policies/fraud.yaml:8: rollback criteria need 'targets:', which say where a playbook acts"


def test_a_playbook_that_promotes_is_no_answer_to_an_alert(tmp_path: Path) -> None:
    (found,) = faults_of(tmp_path, POLICY, changed(PLAYBOOK, "kind: rollback", "kind: promote"))
    assert found.startswith("policies/fraud.yaml:11: the playbook 'back' is of kind promote; here it must be one of")


def test_files_ending_in_yml_are_not_overlooked(tmp_path: Path) -> None:
    faults_of(tmp_path, POLICY, PLAYBOOK)
    (tmp_path / "policies/second.yml").write_text(POLICY, encoding="utf-8")
    assert faults_of(tmp_path, POLICY, PLAYBOOK) == ["policies/second.yml:0: the name of this file must end in .yaml"]


def test_a_template_that_does_not_parse_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "templates/notices").mkdir(parents=True)
    (tmp_path / "templates/notices/opened.md.j2").write_text("fine\n{% if %}\n", encoding="utf-8")
    (found,) = faults_of(tmp_path, POLICY, PLAYBOOK)
    assert found.startswith("templates/notices/opened.md.j2:2: Expected an expression")


def test_a_missing_folder_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="andon init"):
        load_configuration(tmp_path / "away", steps=load_steps(), gates=load_gates(), shipped=tmp_path)
    (tmp_path / "empty/policies").mkdir(parents=True)
    with pytest.raises(ConfigError, match="holds no policy"):
        load_configuration(tmp_path / "empty", steps=load_steps(), gates=load_gates(), shipped=tmp_path)
