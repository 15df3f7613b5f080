"""The runbook: what it says to do by hand does what Andon would do, and nothing in a policy can make it do more."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.cli import TOKENS, Andon, andon_by
from support.driven_engine import DrivenEngine, MovableClock, builder
from support.engine import Engine, running_engine
from support.ledger import Ledger
from support.scripted_server import ScriptedServer, scripted_server
from support.written_config import playbook, write_config

from bot.adapters.paper import as_html, as_markdown
from bot.domain.paper import Commands, Heading, Mono, Points, prose
from bot.domain.pulses import Part
from bot.domain.shell_words import Marks, Unwritable
from bot.wiring.upkeep import runbook_of

NASTY = [
    "$(touch {trap})", "`touch {trap}`", "'; touch {trap}; '", '"; touch {trap}; "', "a\\'; touch {trap}",
    "--output={trap}",
    "@/etc/passwd", "{trap}\ntouch {trap}", "$HOME ${IFS} !! \\ \u202e\x1b[2J",
    "[1-3]{{a,b}}", "", " ", "ü💥\t|&;<>()", "%s%n",
]  # fmt: skip
"""Values that would do harm, or come out as another, if a word of a command were not quoted right."""


def nasty(trap: Path) -> list[str]:
    return [one.replace("{trap}", str(trap)) for one in NASTY]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with running_engine(tmp_path, ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


def test_what_needs_bash_and_curl_has_them() -> None:
    assert [one for one in ("bash", "curl") if shutil.which(one) is None] == []


def scripts(markdown: str) -> list[str]:
    """The commands of a document, as somebody would copy them."""
    return [found[1] for found in re.findall(r"^(`{3,})sh\n(.*?)\n\1$", markdown, re.MULTILINE | re.DOTALL)]


def bash(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **variables}
    return subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=30, check=False)


def test_any_text_is_one_word_for_bash_and_runs_nothing(tmp_path: Path) -> None:
    trap, marks = tmp_path / "trap", Marks("ab" * 16)
    texts = nasty(trap)
    done = bash(f"printf '%s\\0' {marks.line(texts)}")
    assert done.stdout.split("\0")[:-1] == texts
    assert not trap.exists()


def test_secrets_are_variables_in_the_middle_of_whatever_text(tmp_path: Path) -> None:
    trap, marks = tmp_path / "trap", Marks("cd" * 16)
    for text in nasty(trap):
        done = bash(f"printf '%s' {marks.quoted(text + marks('TOKEN') + text)}", TOKEN="$(x) 'y' \"z\"")
        assert done.stdout == f"{text}$(x) 'y' \"z\"{text}"
        assert marks.shown(f"a{marks('TOKEN')}b") == "a$TOKENb"
    for changed in (marks("TOKEN").upper(), marks("TOKEN").lower(), marks("TOKEN")[:-1], marks("TOKEN")[4:]):
        with pytest.raises(Unwritable):
            marks.quoted(changed)
    with pytest.raises(Unwritable):
        marks.quoted("a\0b")
    assert marks.shown(Marks("ef" * 16)("TOKEN")) == Marks("ef" * 16)("TOKEN")  # another document's mark is text


def act(method: str, path: str, **more: Any) -> dict[str, Any]:
    return {"id": "act", "use": "http_request", "with": {"method": method, "url": "{{ target.url }}" + path, **more}}


def test_the_commands_do_exactly_what_andon_would_whatever_the_policy_says(
    engine: Engine, andon: Andon, server: ScriptedServer, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    values = {f"v{index}": one for index, one in enumerate(nasty(trap)) if one.strip() and "\0" not in one}
    body = {**{name: f"{{{{ target.{name} }}}}" for name in values}, "to": "{{ release.incumbent }}"}
    headers = {"Authorization": "Bearer {{ secret('DEPLOYER') }}", "X-Plain": "{{ target.v6 }}"}
    query = "/q?service={{ service | urlencode }}&v={{ target.v0 | urlencode }}"
    hard = playbook("hard", act("PUT", query, json=body, headers=headers, expect={"status": [200, 202]}))
    write_config(engine.config, [], [hard], {"DEPLOYER": "hush-hush-1"})
    target = {"url": server.url, "allow_hosts": ["127.0.0.1"], **values}
    criterion = {"name": "c `x` | y", "when": "true", "playbook": "hard"}
    engine.protect("scores", rollback=[criterion], targets={"production": target}, summary=values["v1"])
    said = andon("runbook", "scores")
    assert said.code == 0, said.err
    assert "hush-hush-1" not in said.out
    found = scripts(said.out)
    start = next(one for one in found if one.startswith("RUN="))
    assert "read -rs DEPLOYER && export DEPLOYER" in start
    call = next(one for one in found if one.startswith("curl") and "PUT" in one)
    done = bash("RUN=by-hand-1\n" + call, DEPLOYER="the real 'one' $x")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("status 200\n")
    received = server.received[-1]
    assert (received.method, received.headers["authorization"]) == ("PUT", "Bearer the real 'one' $x")
    assert received.headers["idempotency-key"] == "by-hand-1:act"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-plain"] == values["v6"]
    assert json.loads(received.body) == {**values, "to": "41"}
    assert received.path.startswith("/q?service=scores&v=%24%28touch")
    assert not trap.exists()
    assert "status 200 or status 202" in said.out or "status 200 or 202" in said.out


def test_a_rollback_by_hand_restores_what_a_rollback_would(engine: Engine, andon: Andon) -> None:
    engine.protect("scores")
    said = andon("runbook", "scores", "--environment", "production")
    calls = [one for one in scripts(said.out) if one.startswith("curl")]
    for _ in range(2):  # the same key: done twice by mistake it counts once
        done = bash("RUN=by-hand-1\n" + "\n".join(calls))
        assert done.returncode == 0, done.stderr
    assert len(engine.ledger.effects("scores")) == 1
    assert andon("runbook", "scores", "--environment", "nowhere").is_problem("nowhere", "production")
    assert andon("runbook", "nobody").is_problem("nobody")


def test_what_is_known_only_while_it_runs_is_said_in_the_playbooks_own_words(engine: Engine, andon: Andon) -> None:
    late = act("POST", "/x", json={"id": "{{ steps.first.output.body.id }}"})
    first = {"id": "first", "use": "http_request", "with": {"url": "{{ target.url }}/first"}}
    write_config(engine.config, [], [playbook("late", first, late)])
    target = {"url": "http://127.0.0.1:9", "allow_hosts": ["127.0.0.1"]}
    criterion = {"name": "c", "when": "true", "playbook": "late"}
    engine.protect("scores", rollback=[criterion], targets={"production": target})
    said = andon("runbook", "scores").out
    assert "cannot be written out beforehand" in said
    script = next(one for one in scripts(said) if "steps.first" in one)
    assert all(line.startswith("# ") for line in script.splitlines())


def test_scripts_are_run_where_they_are_with_their_variables(engine: Engine, andon: Andon, tmp_path: Path) -> None:
    folder = engine.config / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / "restore").write_text('#!/bin/sh\nprintf "%s|" "$TOKEN" "$ANDON_IDEMPOTENCY_KEY" "$@"\n')
    (folder / "restore").chmod(0o755)
    step = {
        "id": "act", "use": "run_script",
        "with": {"script": "restore", "options": {"--to": "{{ release.incumbent }}"}, "args": ["now"],
                 "env": {"TOKEN": "{{ secret('DEPLOYER') }}"}},
    }  # fmt: skip
    write_config(engine.config, [], [playbook("by_script", step)], {"DEPLOYER": "hush-hush-1"})
    engine.protect("scores", playbook="by_script")
    said = andon("runbook", "scores").out
    script = next(one for one in scripts(said) if "./scripts/restore" in one)
    done = bash("RUN=by-hand-1\n" + script, DEPLOYER="a 'b' $c")
    assert done.stdout == "a 'b' $c|by-hand-1:act|--to|41|now|"
    assert "exit code 0" in said


def test_a_secret_that_somebody_wrote_into_a_policy_is_hidden_whatever_its_shape(engine: Engine, andon: Andon) -> None:
    secret = "hush_hush*<1>&2"
    write_config(engine.config, [], [], {"DEPLOYER": secret})
    engine.protect("scores", summary=f"use {secret}")
    for said in (andon("runbook", "scores"), andon("runbook", "scores", "--html")):
        assert said.code == 0, said.err
        assert "hush" not in said.out
        assert "***" in said.out.replace("\\", "")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("{kind}://andon:s3cret@db.example:5432/andon?sslmode=require", "{kind}://db.example:5432/andon"),
        ("{kind}://andon:s3c/ret@db.example:5432/andon", "{kind}://db.example:5432/andon"),
        ("{kind}://:s3c#ret@db.example:5432/andon", "{kind}://db.example:5432/andon"),
        ("{kind}://andon:s3c?ret@db.example/andon", "{kind}://…"),
        ("{kind}://andon:/s3c@ret@db.example/andon", "{kind}://…"),
        ("{kind}://db.example/andon?password=a@s3cret", "{kind}://…"),
        ("{kind}:///andon?host=/run&password=a@s3cret", "{kind}:///andon"),
        ("{kind}:////data/a@b/andon.db", "{kind}:////data/a@b/andon.db"),
        ("{kind}://db.example/andon", "{kind}://db.example/andon"),
    ],
)
def test_no_password_of_a_place_stands_in_it(engine: Engine, address: str, shown: str) -> None:
    app = engine.app
    engine.protect("scores")
    places = {
        "database_url": SecretStr(address.format(kind="postgresql")),
        "redis_url": SecretStr(address.format(kind="redis")),
    }
    settings, current = app.settings.model_copy(update=places), app.configuration.current
    written = as_markdown(runbook_of(settings, app.workshop, current.policy("scores"), current, None))
    assert "s3c" not in written
    for kind in ("postgresql", "redis"):
        assert f"`{shown.format(kind=kind)}`" in written


def test_it_names_whom_to_call_and_tell_and_how_to_bring_andon_back(engine: Engine, andon: Andon) -> None:
    engine.protect(
        "scores",
        roles={"rollback_authority": ["olga", "otto"]},
        audiences={"engineering": {"slack": "#scores", "email": ["team@example.com"]}},
        escalation=[{"after": "5m", "notify": "rollback_authority"}],
    )
    said = andon("runbook", "scores").out
    for words in ("olga, otto", "#scores", "team@example.com", "after 5m", "andon doctor", "andon.db"):
        assert words.replace("#", "\\#") in said, words
    page = andon("runbook", "scores", "--html").out
    assert page.startswith("<!doctype html>")
    assert "<script" not in page


HOSTILE = "](javascript:x) <b>`x` ``` | # 1. - \n# no title\n```\n</code>"


def test_nothing_in_a_text_becomes_a_mark_of_the_document() -> None:
    blocks = [Heading(1, HOSTILE), prose(HOSTILE, Mono(HOSTILE)), Points(((HOSTILE,),)), Commands("`" * 5 + "\nrm")]
    written = as_markdown(blocks)
    assert [line for line in written.splitlines() if line.startswith("#")] == [written.splitlines()[0]]
    assert "``````sh\n`````\nrm\n``````" in written
    assert "\\]" in written.splitlines()[2]
    page = as_html(HOSTILE, blocks)
    assert "<b>" not in page
    assert page.count("<code>") == 2


def test_the_clock_keeps_the_folder_up_to_date(tmp_path: Path, ledger: Ledger) -> None:
    books = tmp_path / "books"
    with builder(tmp_path, ledger) as build:
        engine: DrivenEngine = build(clock=MovableClock(), ANDON_RUNBOOKS=str(books))
        engine.protect("scores")
        engine.app.sweep.look()
        first = (books / "scores.md").read_text()
        assert {one.name for one in books.iterdir()} == {
            "scores.md", "scores.html", "unrelated.md", "unrelated.html",
        }  # fmt: skip
        engine.protect("scores", release={"incumbent": "42", "candidate": "43"})
        engine.app.sweep.look()
        assert (books / "scores.md").read_text() != first
        (engine.config / "policies" / "scores.yaml").unlink()
        engine.app.configuration.reload()
        engine.twin().app.sweep.look()
        assert {one.name for one in books.iterdir()} == {"unrelated.md", "unrelated.html"}
        with engine.app.store.read() as tx:
            assert tx.pulses()[Part.RUNBOOKS].problem == ""
        engine.clock.turn(timedelta(days=1))
        shutil.rmtree(books)
        engine.app.sweep.look()
        assert (books / "unrelated.md").exists()
