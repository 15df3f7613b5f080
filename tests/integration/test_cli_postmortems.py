"""The words of `andon` for the account of an incident, on a real database."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest
from support.alert_bodies import firing
from support.cli import TOKENS, Andon, andon_by
from support.driven_engine import fresh_name
from support.engine import Engine, running_engine

from bot.domain.words import Word

ROLES = {"champion": ["ada", "otto"], "rollback_authority": ["olga", "otto"], "endorser": ["olga"]}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("cli"), ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


@pytest.fixture
def incident(engine: Engine) -> str:
    service = fresh_name("said")
    engine.protect(service, roles=ROLES)
    receipt = engine.alert(firing(service, severity="critical"))
    engine.work_until(receipt.runs[0], "succeeded")
    assert not engine.order(Word.RESOLVE, receipt.incidents[0]).refused
    engine.work()
    return receipt.incidents[0]


def test_the_account_is_shown_as_markdown_html_json_and_written_to_a_file(
    andon: Andon, incident: str, tmp_path: Path
) -> None:
    listed = andon("postmortem", "list").out
    assert f"{incident}  said-" in listed
    assert "  due  due " in listed
    short, full = andon("postmortem", incident), andon("postmortem", "show", incident)
    assert short == full
    assert (full.code, full.err) == (0, "")
    assert full.out.startswith("# Postmortem: Divergence of said-")
    for title in ("Summary", "Impact", "Timeline", "Detection and response", "Contributing conditions", "Lessons"):
        assert f"\n## {title}\n" in full.out
    html = andon("postmortem", incident, "--html").out
    assert html.startswith("<!DOCTYPE html>")
    assert "<h2>Summary</h2>" in html
    assert andon("postmortem", incident, "--json").json["missing"] == ["champion"]
    file = tmp_path / "account.md"
    assert andon("postmortem", incident, "--output", str(file)).out == f"wrote {file}\n"
    assert file.read_text("utf-8") == full.out
    assert andon("postmortem", "inc-nobody").is_problem("No incident 'inc-nobody'", "andon incident list")


def test_it_is_written_commented_on_and_signed_with_a_change_that_was_checked(
    andon: Andon, engine: Engine, incident: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert andon("postmortem", "edit", incident, "lessons", "Ask sooner", by="olga").code == 0
    text = tmp_path / "luck.md"
    text.write_text("- It was noon\n- Traffic was low\n", encoding="utf-8")
    assert andon("postmortem", "edit", incident, "luck", "--file", str(text), by="olga").code == 0
    assert andon("postmortem", "edit", incident, "luck").is_problem("give either TEXT or --file FILE")
    assert andon("postmortem", "edit", incident, "nonsense", "x").is_problem("section")
    assert andon("postmortem", "comment", incident, "Seen", "--section", "impact", by="otto").code == 0
    service = engine.incident(incident)["service"]
    before = (engine.config / "policies" / f"{service}.yaml").read_text("utf-8")
    name = f"policies/{service}.yaml"
    after = before.replace("cooldown: 30m", "cooldown: soon")
    diff = "".join(unified_diff(before.splitlines(True), after.splitlines(True), name, name))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(diff.encode())))
    learned = andon("postmortem", "lesson", incident, "--text", "Wait longer", "--diff", "-", by="olga")
    assert learned.code == 0
    assert "cannot be taken as it is" in learned.out
    assert f"{name}:" in learned.out
    (lesson,) = andon("postmortem", incident, "--json").json["lessons"]
    assert andon("postmortem", "lesson", incident, "--withdraw", lesson["id"], by="olga").code == 0
    assert andon("postmortem", "lesson", incident).is_problem("say it with --text TEXT")
    shown = andon("postmortem", incident).out
    assert "> - It was noon\n> - Traffic was low\n" in shown
    assert "Wait longer" not in shown, "what was taken back is no lesson"
    assert andon("postmortem", "sign-off", incident, by="olga").is_problem("may not sign this postmortem off")
    assert "it is reviewed" in andon("postmortem", "sign-off", incident, "--role", "champion").out
    assert "Signed off: champion, by a member of champion" in andon("postmortem", incident).out
    assert andon("postmortem", "reopen", incident, "--reason", "One more fact").code == 0
