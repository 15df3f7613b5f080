"""`andon erase`, `hold`, `prune` and `export` on a real database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.alert_bodies import firing
from support.cli import TOKENS, Andon, andon_by
from support.engine import Engine, running_engine

from bot.domain.events import Word


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database in which `olga` has given orders."""
    with running_engine(tmp_path, ANDON_API_TOKENS=TOKENS) as engine:
        engine.protect("scores")
        engine.alert(firing("scores"))
        engine.order(Word.HALT, "scores", by="olga", reason="olga and nina looked at it")
        engine.work()
        engine.app.sweep.seal()
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    """Runs one command."""
    return andon_by(engine, monkeypatch, capfd)


def test_a_person_is_erased_after_a_dry_run_by_an_admin_only(andon: Andon, engine: Engine) -> None:
    words = ("erase", "olga", "--reason", "asked for")
    assert andon(*words, "--yes", by="otto").is_problem("Only an admin")
    dry = andon(*words, "--dry-run", "--json").json
    assert dry["rows"]["audit"] >= 1
    assert dry["ids"] == ["olga"]
    assert "olga" in {one["actor"] for one in andon("audit", "show", "--json").json["items"]}
    assert andon(*words).code == 1  # nobody was there to say yes
    done = andon(*words, "--yes", "--json").json
    assert (done["rows"], done["pseudonym"]) == (dry["rows"], dry["pseudonym"])
    shown = andon("audit", "show").out
    assert "olga" not in shown
    assert done["pseudonym"] in shown
    assert "nina looked at it" in shown
    said = andon("audit", "verify")
    assert said.code == 0, said.err
    assert "erased as the trail says" in said.out
    assert andon("erase", "ab", "--reason", "x", "--yes").is_problem("too short")
    assert engine.service("scores")["halted"]["by"] == done["pseudonym"]


def test_a_hold_is_added_listed_and_released_with_reasons(andon: Andon) -> None:
    assert andon("hold", "add", "service", "nothing", "--reason", "x").is_problem("No service 'nothing'")
    held = andon("hold", "add", "service", "scores", "--reason", "a lawsuit", "--json").json
    assert held["subject"] == "scores"
    assert held["id"] in andon("hold", "list").out
    assert andon("hold", "release", held["id"], "--reason", "settled").code == 0
    assert andon("hold", "release", held["id"], "--reason", "again").is_problem("was released by ada")
    assert andon("hold", "list", "--json").json["items"] == []
    assert [one["id"] for one in andon("hold", "list", "--all", "--json").json["items"]] == [held["id"]]
    shown = andon("audit", "show", "--subject", "service:scores", "--json").json["items"]
    assert [one["action"] for one in shown if one["action"].startswith("hold")] == ["hold.added", "hold.released"]


def test_nothing_goes_unless_retention_says_so(andon: Andon, engine: Engine) -> None:
    assert "everything is kept for ever" in andon("prune", "--yes").out
    (engine.config / "retention.yaml").write_text("keep:\n  event_bodies: 90d\n  audit_data: 90d\n")
    said = andon("prune", "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert "event_bodies" in said.out
    assert andon("prune", "--yes", "--json").json["removed"] == {"event_bodies": 0, "audit_data": 0}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("keep:\n  event_bodis: 90d\n", 2, "event_bod"),
        ("keep:\n  event_bodies: soon\n", 2, "soon"),
        ("keep:\n  event_bodies: 1h\n", 2, "a day"),
        ("keeps:\n  events: 90d\n", 1, "keep"),
        ("- keep\n", 1, "keep:"),
    ],
)
def test_a_fault_in_retention_is_told_with_its_line(
    andon: Andon, engine: Engine, text: str, line: int, message: str
) -> None:
    path = engine.config / "retention.yaml"
    path.write_text(text)
    said = andon("check", str(engine.config))
    assert said.code == 1
    [fault] = [one for one in said.out.splitlines() if "retention.yaml" in one and f":{line}:" in one]
    assert message in fault


def test_everything_is_exported_into_a_new_folder(andon: Andon, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert andon("export", "--output", str(folder), by="otto").is_problem("Only an admin")
    assert andon("export", "--output", str(folder)).code == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, one in manifest["tables"].items():
        assert hashlib.sha256((folder / f"{name}.jsonl").read_bytes()).hexdigest() == one["sha256"]
    assert manifest["audit_head"]["position"] == manifest["tables"]["audit_seals"]["rows"]
    assert andon("export", "--output", str(folder)).is_problem("not empty")
