"""The words of `andon` for decisions, action items, questions, notes and meetings, on a real database."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.cli import TOKENS, Andon, andon_by
from support.engine import Engine, running_engine

from bot.domain.words import Word


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("cli"), ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


@pytest.fixture
def incident(engine: Engine, request: pytest.FixtureRequest) -> str:
    service = re.sub(r"[^a-z0-9]+", "-", request.node.name)[:60].strip("-")
    engine.protect(service, rollback=[], persons={"lead": ["U0LEAD", "lead@example.com"]})
    return engine.alert(firing(service, "Nothing")).incidents[0]


def recorded(said: Any) -> str:
    """The id of the one record that a command made."""
    (known,) = said.json["records"]
    return str(known)


def test_a_decision_an_action_item_and_a_question_are_recorded_and_shown(andon: Andon, incident: str) -> None:
    decided = andon(
        "incident", "decide", incident, "Which version?", "--option", "41", "--option", "42", "--choice", "41",
        "--because", "recall", "--evidence", "https://example.com/d", by="olga",
    )  # fmt: skip
    assert (decided.code, decided.err) == (0, "")
    assert "record min-" in decided.out
    said = andon("incident", "action", incident, "Pin it", "--owner", "lead", "--due", "2027-01-15T16:00:00Z")
    assert "Owner: lead. Due Fri 15 Jan 2027, 16:00 UTC." in said.out
    in_words = andon("incident", "action", incident, "Tell", "--due", "tomorrow noon", "--zone", "Europe/Berlin")
    assert "12:00 CE" in in_words.out
    assert "Owner: nobody yet" in in_words.out
    andon("incident", "question", incident, "Is staging hit?", "--owner", "me", by="otto")
    shown = andon("incident", "show", incident).out
    assert "Which version?: 41 (because: recall) (olga)" in shown
    assert "Pin it (lead, due 2027-01-15T16:00:00.000Z)" in shown
    assert "Is staging hit? (otto)" in shown
    view = andon("incident", "show", incident, "--json").json
    assert [one["text"] for one in view["action_items"]] == ["Pin it", "Tell"]


def test_an_item_goes_its_way(andon: Andon, incident: str) -> None:
    item = recorded(andon("incident", "action", incident, "Pin ti", "--json"))
    assert "it is “Pin it” now" in andon("item", "amend", item, "--text", "Pin it", "--due", "in 2 h").out
    assert "No date." in andon("item", "amend", item, "--due", "").out
    assert "until" in andon("item", "snooze", item, "2h").out
    assert "until" in andon("item", "snooze", item, "tomorrow noon").out
    assert andon("item", "snooze", item, "yesterday").is_problem("not understood")
    assert "to lead" in andon("item", "reassign", item, "lead").out
    assert "pinned" in andon("item", "done", item, "--text", "pinned").out
    assert andon("item", "snooze", item, "2h").is_problem("is done")
    assert andon("item", "withdraw", item, "--reason", "was a test").code == 0
    history = [one["what"] for one in andon("item", "show", item, "--json").json["history"]]
    assert history == ["recorded", "amended", "amended", "snoozed", "snoozed", "reassigned", "done", "withdrawn"]
    assert "'Pin ti' -> 'Pin it'" in andon("item", "show", item).out
    assert andon("item", "show", "min-none").is_problem("andon incident show")


def test_a_question_is_answered_and_a_suggestion_confirmed(andon: Andon, engine: Engine, incident: str) -> None:
    item = recorded(andon("incident", "question", incident, "Who?", "--json"))
    assert "Otto" in andon("item", "answer", item, "Otto").out
    assert andon("item", "done", item).is_problem("cannot be done")
    heard = engine.order(Word.ACTION, incident, text="Perhaps", certain=False).records[0]
    assert "Heard, to be confirmed" in andon("incident", "show", incident).out
    assert "confirmed" in andon("item", "confirm", heard).out


def test_a_meeting_is_proposed_moved_started_and_ended(andon: Andon, incident: str) -> None:
    assert "Nobody is invited" in andon("meeting", "propose", incident).out
    moved = andon("meeting", "propose", incident, "--at", "in 3 h", "--invite", "lead")
    assert "is moved to" in moved.out
    assert "U0LEAD" in moved.out
    assert andon("meeting", "start", incident, "--link", "https://meet.example.com/1").code == 0
    assert andon("meeting", "cancel", incident).is_problem("cannot be called off")
    assert "summary" in andon("meeting", "end", incident).out
    assert andon("meeting", "end", incident).is_problem("andon meeting start")
    assert "ended" in andon("incident", "show", incident).out


def test_notes_are_given_from_a_file_or_standard_input_once(
    andon: Andon, incident: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "decision: we put 41 back\naction: @lead pin it by tomorrow noon\n"
    file = tmp_path / "call.md"
    file.write_text(text, encoding="utf-8")
    said = andon("incident", "notes", incident, str(file))
    assert "Recorded from call.md: 1 decisions, 1 action items, 0 questions." in said.out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-16"))))
    assert "recorded before" in andon("incident", "notes", incident, "-").out
    assert andon("incident", "notes", incident, str(tmp_path / "none.md")).is_problem("cannot be read")
    file.write_bytes(b"\xff\x00\xfe")
    assert andon("incident", "notes", incident, str(file)).is_problem("UTF-8")


def test_the_summary_is_markdown_or_json_and_goes_to_a_file(andon: Andon, incident: str, tmp_path: Path) -> None:
    andon("incident", "decide", incident, "We wait")
    said = andon("incident", "summary", incident)
    assert said.out.startswith("# Summary: ")
    assert "**We wait**" in said.out
    assert [one["text"] for one in andon("incident", "summary", incident, "--json").json["decisions"]] == ["We wait"]
    file = tmp_path / "summary.md"
    assert andon("incident", "summary", incident, "--output", str(file)).code == 0
    assert "**We wait**" in file.read_text("utf-8")
    assert andon("incident", "summary", incident, "--output", str(tmp_path / "no" / "x.md")).is_problem("written")
    assert andon("incident", "summary", "inc-none").is_problem("andon incident list")


def test_what_is_known_is_said_by_field_or_from_a_file(andon: Andon, incident: str, tmp_path: Path) -> None:
    metric = json.dumps({"name": "recall", "before": 0.93, "now": 0.41})
    said = andon("incident", "report", incident, "--set", "user_effect=cards are declined", "--set", f"metric={metric}")
    assert (said.code, said.err) == (0, "")
    file = tmp_path / "report.json"
    file.write_text('{"suspected_cause": "the new feature"}')
    assert andon("incident", "report", incident, "--file", str(file)).code == 0
    report = andon("incident", "show", incident, "--json").json["report"]
    assert report["user_effect"]["text"] == "cards are declined"
    assert report["metric"]["value"]["now"] == 0.41
    assert report["suspected_cause"]["value"] == "the new feature"
    assert andon("incident", "report", incident).is_problem("--set FIELD=VALUE")
    assert andon("incident", "report", incident, "--set", "user_effect").is_problem("FIELD=VALUE")
    assert andon("incident", "report", incident, "--set", "metric={").is_problem("not JSON")
    assert andon("incident", "report", incident, "--set", "colour=red").is_problem("colour")


def test_who_may_not_record_is_told_what_it_takes(andon: Andon, incident: str) -> None:
    assert andon("incident", "decide", incident, "We wait", by=None).is_problem("operator", "ANDON_TOKEN")
    assert andon("incident", "decide", "inc-none", "We wait").is_problem("andon incident list")
    assert andon("incident", "decide", incident, " ").is_problem("text")


def test_an_incident_is_taken_handed_over_and_accepted(andon: Andon, engine: Engine, incident: str) -> None:
    def owner() -> str | None:
        return str(engine.incident(incident)["owner"])

    assert andon("incident", "take", incident, "--reason", "mine", by="olga").code == 0
    assert owner() == "olga"
    assert andon("incident", "handover", incident, "otto", by="olga").code == 0
    assert owner() == "olga"
    assert andon("incident", "accept", incident, by="olga").is_problem("otto")
    assert andon("incident", "accept", incident, by="otto").code == 0
    assert owner() == "otto"
    assert "owner: otto" in andon("incident", "show", incident).out


def test_an_update_is_told_to_everybody(andon: Andon, engine: Engine, incident: str) -> None:
    assert andon("incident", "update", incident, "We put 41 back and watch it").code == 0
    assert "update" in engine.told(incident)
    careless = "It is all Bob's fault, the idiot broke everything"
    advised = andon("incident", "update", incident, careless)
    assert advised.code == 1
    assert engine.told(incident).count("update") == 1
    assert andon("incident", "update", incident, careless, "--anyway").code == 0
    assert engine.told(incident).count("update") == 2


def test_files_are_attached_with_their_digests(andon: Andon, incident: str, tmp_path: Path) -> None:
    shot, table = tmp_path / "shot.png", tmp_path / "table.csv"
    shot.write_bytes(b"\x89PNG\x00")
    table.write_text("f1\n0.78\n", encoding="utf-8")
    assert "attached files" in andon("incident", "attach", incident, str(shot), str(table)).out
    assert "Nothing new" in andon("incident", "attach", incident, str(table)).out
    files = andon("incident", "show", incident, "--json").json["report"]["files"]["value"]
    assert [(one["name"], one["sha256"]) for one in files] == [
        (one.name, hashlib.sha256(one.read_bytes()).hexdigest()) for one in (shot, table)
    ]
    assert andon("incident", "attach", incident, str(tmp_path / "none")).is_problem("cannot be read")
    assert andon("incident", "attach", "inc-none", str(shot)).is_problem("andon incident list")
    shot.write_bytes(b"")
    assert andon("incident", "attach", incident, str(shot)).is_problem("empty")
