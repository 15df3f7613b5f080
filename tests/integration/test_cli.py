"""Every word of `andon` on a real database: what it says, what it changes, and its exit code."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.alert_bodies import firing, group
from support.cli import Andon, andon_by
from support.engine import Engine, running_engine
from support.installation import SECRETS, TOKENS, free_port
from support.written_config import BY_KEY, BY_PERSON, policy, write_config

from bot.cli.grammar import WORDS
from bot.ports import Lane

RUN_ID, INCIDENT_ID = "run-01aaaaaaaaaaaaaaaaaaaaaaaa", "inc-01aaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database that the commands and the workers share; the holders of TOKENS may give orders."""
    with running_engine(tmp_path_factory.mktemp("cli"), ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    """Runs one command by the holder of a token: `andon("lift", "scores", by="ada")`."""
    return andon_by(engine, monkeypatch, capfd)


def stopped_run(engine: Engine, service: str) -> str:
    """A run whose step was refused by its deployer: it needs a person."""
    engine.protect(service, BY_KEY)
    engine.ledger.fault("status", status=400, path=f"/effects/{service}")
    receipt = engine.alert(firing(service))
    engine.work_until(receipt.runs[0], "needs_human")
    return receipt.runs[0]


HELPS = """
import json, sys
from bot.cli.entry import run
from bot.cli.grammar import WORDS
codes = {}
for word in WORDS:
    try:
        codes[word.path] = run([*word.path.split(), "--help"])
    except SystemExit as end:
        codes[word.path] = end.code
heavy = {"sqlalchemy", "rq", "redis", "httpx", "fastapi", "pydantic", "jinja2", "yaml", "structlog"}
print(json.dumps({"codes": codes, "heavy": sorted(heavy & set(sys.modules))}), file=sys.stderr)
"""


def test_every_word_has_help_and_none_of_it_loads_what_is_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", HELPS], capture_output=True, text=True, check=True)
    found = json.loads(done.stderr)
    assert found == {"codes": {word.path: 0 for word in WORDS}, "heavy": []}
    assert "default: ANDON_CONFIG or ./config" in done.stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("hlat", "did you mean 'halt'"),
        ("event lst", "did you mean 'list'"),
        ("frobnicate", "there is init, up"),
        ("halt scores", "required: --reason"),
        ("automation", "required: switch"),
        ("automation maybe", "no switch"),
        ("check --wrong", "unrecognized arguments: --wrong"),
        ("up --port 99999", "not a port"),
        ("up --port x", "not a port"),
        ("event list --limit 0", "from 1 on"),
        ("parse --source generic --header foo FILE", "Content-Type"),
        ("parse FILE", "required: --source"),
        ("worker --queue all", "rollbacks"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(andon: Andon, words: str, hint: str) -> None:
    said = andon(*words.split())
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("andon: ")
    assert said.err.count("\n") == 1
    assert hint in said.err
    assert "--help" in said.err


@pytest.mark.parametrize("words", ["", "event", "incident", "db"])
def test_a_command_without_its_word_shows_what_there_is(andon: Andon, words: str) -> None:
    said = andon(*words.split())
    assert (said.code, said.out) == (2, "")
    assert "usage: andon" in said.err


def test_init_writes_what_check_accepts_and_overwrites_nothing(andon: Andon, tmp_path: Path) -> None:
    folder = str(tmp_path / "config")
    assert "Next: `andon check" in andon("init", folder).out
    for words in (["check", folder], ["check", "--config", folder]):
        said = andon(*words)
        assert (said.code, said.err) == (0, "")
        assert "no faults" in said.out
    assert andon("check", folder, "--json").json == {"faults": [], "warnings": []}
    assert andon("init", folder).is_problem("is there already")


def test_check_names_file_and_line_of_every_fault(andon: Andon, tmp_path: Path) -> None:
    config = write_config(tmp_path, [policy("scores", "http://127.0.0.1:9", nonsense=1, cooldown="soon")])
    said = andon("check", str(config))
    lines = said.out.splitlines()
    assert said.code == 1
    assert len(lines) == 2
    assert all("scores.yaml:" in line for line in lines)
    assert "2 faults" in said.err
    assert [fault["line"] > 0 for fault in andon("check", str(config), "--json").json["faults"]] == [True, True]
    assert andon("check", str(tmp_path / "nowhere")).code == 1


def test_up_without_a_configuration_names_andon_init(andon: Andon, tmp_path: Path) -> None:
    said = andon("up", "--port", "0", "--config", str(tmp_path / "none"), "--data", str(tmp_path / "var"))
    assert said.is_problem("andon init")


def test_parse_reads_bodies_headers_and_whole_recorded_requests(andon: Andon, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps(group(firing("scores"))))
    (event,) = andon("parse", "--source", "alertmanager", str(body)).json
    assert (event["source"], event["kind"], event["status"]) == ("alertmanager", "alert", "firing")
    plain = tmp_path / "plain.json"
    plain.write_text('{"amount": 1}')
    names = {"ce-specversion": "1.0", "ce-type": "sale", "ce-source": "/shop", "ce-id": "7"}
    given = [part for name, value in names.items() for part in ("--header", f"{name}: {value}")]
    by_options = andon("parse", "--source", "cloudevents", *given, str(plain)).json
    recorded = tmp_path / "request.txt"
    recorded.write_text("".join(f"{name}: {value}\r\n" for name, value in names.items()) + '\r\n{"amount": 1}')
    assert by_options == andon("parse", "--source", "cloudevents", str(recorded)).json
    assert by_options[0]["fingerprint"] == "7"
    assert andon("parse", "--source", "cloudevents", str(plain)).is_problem("specversion")
    assert andon("parse", "--source", "carrier-pigeon", str(plain)).is_problem("known: alertmanager")
    assert andon("parse", "--source", "generic", str(tmp_path / "none")).is_problem("cannot be read")


def test_decide_says_what_would_be_decided_and_leaves_no_trace(andon: Andon, engine: Engine, tmp_path: Path) -> None:
    engine.protect("judged")
    body = tmp_path / "body.json"
    body.write_text(json.dumps(group(firing("judged"), firing("nobodys"))))
    before = andon("event", "list", "--json").json
    said = andon("decide", "--config", str(engine.config), "--source", "alertmanager", str(body)).json["decisions"]
    assert [(one["service"], one["verdict"], one["playbook"]) for one in said] == [
        ("judged", "run", "by_key"),
        (None, "ignore", None),
    ]
    assert andon("event", "list", "--json").json == before


def test_what_is_not_there_is_named_with_what_is(andon: Andon) -> None:
    assert andon("service", "nosuch").is_problem("known: ")
    assert andon("incident", "show", INCIDENT_ID).is_problem("andon incident list")
    assert andon("incident", "resolve", INCIDENT_ID, "--reason", "over").is_problem("andon incident list")
    assert andon("approve", RUN_ID).is_problem(RUN_ID)
    assert andon("event", "replay", "evt-nosuch").is_problem("andon event list --dead")
    assert andon("run", "nosuch", "--service", "unrelated").is_problem("known: ")
    assert andon("hands-off", "unrelated", "soon").is_problem("30s, 5m, 2h")


def test_a_halt_is_given_by_anybody_shown_everywhere_and_lifted_by_an_admin(andon: Andon, engine: Engine) -> None:
    engine.protect("halted")
    said = andon("halt", "halted", "--reason", "wrong labels", by=None)
    assert (said.code, said.err) == (0, "")
    incident = said.out.split("incident ")[1].split()[0]
    assert "halted by anonymous: wrong labels" in andon("service", "halted").out
    shown = andon("incident", "show", incident).out
    assert "Halted: wrong labels" in shown
    assert andon("incident", "show", incident, "--json").json["status"] == "halted"
    assert incident in andon("incident", "list", "--service", "halted").out
    assert andon("lift", "halted", by=None).is_problem("admin", "ANDON_TOKEN")
    assert andon("lift", "halted", by="olga").is_problem("this token has operator")
    assert andon("lift", "halted").code == 0
    assert andon("service", "halted", "--json").json["halted"] is None
    assert andon("incident", "resolve", incident, "--reason", "was a test").code == 0
    assert andon("incident", "list", "--service", "halted", "--json").json["items"][0]["status"] == "resolved"


def test_what_is_live_and_was_is_shown_with_how_it_is_known(andon: Andon, engine: Engine) -> None:
    engine.protect("lively")
    receipt = engine.alert(firing("lively"))
    engine.work_until(receipt.runs[0], "succeeded")
    said = andon("live", "lively")
    assert (said.code, said.err) == (0, "")
    assert "production: 41 since " in said.out
    assert "a rollback put it back; as expected" in said.out
    assert f"41  rollback ({receipt.runs[0]})" in said.out
    shown = andon("live", "lively", "--environment", "production", "--json").json["environments"]
    assert [(one["environment"], one["version"], one["as_expected"]) for one in shown] == [("production", "41", True)]
    before = andon("live", "lively", "--at", "2020-01-01T00:00:00Z").out
    assert "production: not known" in before
    assert "whether it should be is not known" in before
    assert andon("live", "lively", "--at", "9999-01-01T00:00:00Z").is_problem("still to come")
    assert andon("live", "lively", "--at", "yesterday").is_problem("RFC 3339")
    assert andon("live", "nosuch").is_problem("known: ")


def test_halting_everything_asks_first(andon: Andon, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.protect("one-of-all")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert andon("halt", "all", "--reason", "a storm").is_problem("--yes")
    assert andon("halt", "all", "--reason", "a storm", "--yes").code == 0
    assert andon("service", "one-of-all", "--json").json["state"] == "halted"
    assert andon("lift", "all").code == 0


def test_automation_is_paused_for_one_service_and_for_all(andon: Andon, engine: Engine) -> None:
    engine.protect("paused")
    assert andon("hands-off", "paused", "2h").code == 0
    assert "hands off until" in andon("service", "paused").out
    assert andon("hands-off", "paused", "0s").code == 0
    assert andon("service", "paused", "--json").json["hands_off"] is None
    assert andon("automation", "off", by="olga").is_problem("admin")
    assert andon("automation", "off").code == 0
    assert "Automation is off everywhere, by ada" in andon("service").out
    assert andon("automation", "on", "--json").json["refused"] is False


def test_a_dry_run_shows_every_call_and_makes_none(andon: Andon, engine: Engine) -> None:
    engine.protect("rehearsed")
    said = andon("run", "by_key", "--service", "rehearsed", "--dry-run")
    assert said.code == 0
    assert f"POST {engine.ledger.url}/effects/rehearsed" in said.out
    plan = andon("run", "by_key", "--service", "rehearsed", "--dry-run", "--json").json
    assert [step["id"] for step in plan["steps"]] == ["act", "proof"]
    assert andon("run", "by_key", "--service", "rehearsed", "--environment", "moon", "--dry-run").is_problem("moon")
    assert engine.ledger.effects("rehearsed") == []
    assert engine.service("rehearsed")["runs"] == []


def test_a_run_is_asked_for_by_one_person_and_approved_by_another(andon: Andon, engine: Engine) -> None:
    engine.protect("asked")
    said = andon("run", "by_key", "--service", "asked", "--json", by="olga").json
    run_id = said["runs"][0]
    shown = andon("incident", "show", said["incidents"][0]).out
    plan = engine.run(run_id)["plan_hash"]
    assert f"next: andon approve {run_id} --plan {plan}" in shown
    assert andon("approve", run_id, by=None).is_problem("operator")
    assert andon("approve", run_id, by="olga").is_problem("asked for")
    assert andon("approve", run_id, "--plan", "another", by="otto").is_problem(plan)
    assert andon("approve", run_id, "--plan", plan, by="otto").code == 0
    engine.work_until(run_id, "succeeded")
    assert len(engine.ledger.effects("asked")) == 1
    assert andon("approve", run_id, by="otto").is_problem("was approved by otto")
    assert andon("incident", "endorse", said["incidents"][0], "--reason", "serves well", by="olga").code == 0
    assert engine.incident(said["incidents"][0])["status"] == "stable"


def test_a_run_is_rejected_or_cancelled(andon: Andon, engine: Engine) -> None:
    for word in ("reject", "cancel"):
        engine.protect(f"{word}-it")
        run_id = andon("run", "by_key", "--service", f"{word}-it", "--json", by="olga").json["runs"][0]
        assert andon(word, run_id, by="otto").code == 0
        assert engine.run(run_id)["status"] == "cancelled"


def test_a_run_that_needs_a_person_is_retried_undone_or_taken_over(andon: Andon, engine: Engine) -> None:
    retried = stopped_run(engine, "retried")
    assert andon("done", retried, by="olga").is_problem("check")
    assert andon("retry", retried, by="olga").code == 0
    engine.work_until(retried, "succeeded")
    taken = stopped_run(engine, "taken-over")
    assert andon("undo", taken, "--yes", by="olga").is_problem("undo")
    assert andon("take-over", taken, by="olga").code == 0
    assert engine.run(taken)["status"] == "cancelled"


def test_a_dead_letter_is_listed_and_replayed_by_an_admin(andon: Andon, engine: Engine) -> None:
    dead = engine.deliver(b'{"no": "alert"}').event_id
    assert dead in andon("event", "list", "--dead").out
    assert andon("event", "list", "--dead", "--json").json["items"][0]["id"] == dead
    assert andon("event", "replay", dead, by="olga").is_problem("admin")
    said = andon("event", "replay", dead)
    assert said.is_problem("not understood")


def test_the_audit_trail_verifies_until_somebody_alters_it(andon: Andon, engine: Engine) -> None:
    engine.app.sweep.seal()
    assert andon("audit", "verify").code == 0
    said = andon("audit", "verify", "--json").json
    assert (said["ok"], said["position"], said["problem"]) == (True, None, None)


def test_doctor_says_what_does_not_answer_and_how_to_mend_it(andon: Andon, engine: Engine) -> None:
    engine.protect("unreachable", ledger=f"http://127.0.0.1:{free_port()}")
    said = andon("doctor")
    assert said.code == 1
    assert "BAD  unreachable production ledger" in said.out
    assert "is it running and reachable from here?" in said.out
    checks = andon("doctor", "--json").json
    assert checks["ok"] is False
    assert {one["name"] for one in checks["checks"]} >= {"settings", "configuration", "database", "clock", "redis"}
    engine.protect("unreachable")


def test_doctor_names_a_secret_that_belongs_to_no_source(andon: Andon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_WEBHOOK_SECRET_ALERTMANAGER", "one-of-its-own")
    assert "secrets of their own: alertmanager" in andon("doctor").out
    monkeypatch.setenv("ANDON_WEBHOOK_SECRET_ALERTMANGER", "misspelt-name")
    said = andon("doctor")
    assert said.code == 1
    assert "ANDON_WEBHOOK_SECRET_ALERTMANGER names no source" in said.out
    assert "misspelt-name" not in said.out


def test_doctor_says_which_pager_has_no_key(andon: Andon, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    escalation = [{"after": "5m", "notify": "rollback_authority", "page": "pagerduty"}]
    engine.protect("paged", escalation=[*escalation, {"after": "10m", "notify": "opsgenie"}])
    said = andon("doctor")
    assert said.code == 1
    assert "BAD  pager pagerduty: nobody can be paged for paged: its key is not set; set ANDON_PAGERDUTY_R" in said.out
    monkeypatch.setenv("ANDON_PAGERDUTY_ROUTING_KEY", "routing-key-0123456789abcdef0123")
    monkeypatch.setenv("ANDON_OPSGENIE_KEY", "genie-key-eb243592-faa2-4ba2")
    said = andon("doctor")
    assert "whether somebody acknowledged them cannot be read back; set ANDON_PAGERDUTY_TOKEN" in said.out
    assert "ok   pager opsgenie: has a key" in said.out
    assert "genie-key-eb243592" not in said.out
    (engine.config / "policies" / "paged.yaml").unlink()
    engine.app.configuration.reload()


def test_login_prints_a_link_that_works_once(andon: Andon) -> None:
    assert "/login/" in andon("login").out
    link = andon("login", "--json").json
    assert (link["name"], link["role"]) == ("ada", "admin")


def test_version_and_migration_are_said_in_one_line(andon: Andon) -> None:
    assert andon("--version").out.startswith("andon 0.")
    assert andon("db", "upgrade").out == "the database is current\n"


def test_a_wrong_token_is_refused_without_being_shown(andon: Andon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECRETS, "mallory", "not-one-of-the-secrets")
    said = andon("lift", "unrelated", by="mallory")
    assert said.is_problem("ANDON_TOKEN")
    assert "not-one-of-the-secrets" not in said.err


def test_orders_of_the_command_line_wait_for_the_workers_in_sql(andon: Andon, engine: Engine) -> None:
    engine.protect("from-the-line")
    run_id = andon("run", "by_key", "--service", "from-the-line", "--json", by="olga").json["runs"][0]
    andon("approve", run_id, by="otto")
    assert [bell.id for bell in engine.app.due.of(Lane.ROLLBACKS)] == [run_id]
    engine.work_until(run_id, "succeeded")


def test_playbooks_that_stop_at_doubt_say_so_in_a_dry_run(andon: Andon, engine: Engine) -> None:
    engine.protect("doubtful", BY_PERSON, playbook="by_person")
    assert "if interrupted: ask" in andon("run", "by_person", "--service", "doubtful", "--dry-run").out


def test_a_port_that_is_taken_is_said_before_anything_is_started(andon: Andon, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        for word in ("up", "web"):
            said = andon(word, "--port", taken, "--data", str(tmp_path))
            assert said.is_problem(f"Port {taken}", "--port")
            assert said.out == ""


def test_a_folder_without_a_database_is_mentioned_since_it_may_be_the_wrong_one(andon: Andon, tmp_path: Path) -> None:
    first = andon("incident", "list", "--data", str(tmp_path / "var"))
    assert (first.code, first.out) == (0, "nothing yet\n")
    assert str(tmp_path / "var") in first.err
    assert andon("incident", "list", "--data", str(tmp_path / "var")).err == ""


def test_what_is_away_is_said_with_what_to_try(andon: Andon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    assert andon("incident", "list").is_problem("database", "andon doctor")
    monkeypatch.setenv("ANDON_DATABASE_URL", "mysql://root:geheim@127.0.0.1/x")
    said = andon("incident", "list")
    assert said.is_problem("postgresql://")
    assert "geheim" not in said.err
