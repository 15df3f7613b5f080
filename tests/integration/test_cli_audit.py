"""`andon audit`: the trail is verified against anchors from anywhere, its head and its entries are shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from support.alert_bodies import firing
from support.audit_attacks import drop_triggers
from support.cli import TOKENS, Andon, andon_by
from support.engine import Engine, running_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with some entries, chained."""
    with running_engine(tmp_path, ANDON_API_TOKENS=TOKENS) as engine:
        engine.protect("scores")
        for _ in range(3):
            engine.alert(firing("scores"))
            engine.app.sweep.seal()
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    """Runs one command."""
    return andon_by(engine, monkeypatch, capfd)


def attack(engine: Engine, *statements: str) -> None:
    """As somebody with full rights on the database would."""
    with engine.app.store.engine.begin() as connection:
        drop_triggers(connection, "sqlite")
        for statement in statements:
            connection.execute(text(statement))


def test_the_head_that_is_printed_is_an_anchor_that_verifies(andon: Andon, tmp_path: Path) -> None:
    head = andon("audit", "head").out.splitlines()[0]
    said = andon("audit", "verify", "--head", head)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("the audit trail verifies, and the records of releases fit it\n")
    pasted = tmp_path / "pasted.txt"
    pasted.write_text(f"Andon APP  14:07\nThe audit trail ends here\n{head} at 2026 key 5e1f\nthanks!\n")
    assert andon("audit", "verify", "--heads", str(pasted)).code == 0
    found = andon("audit", "verify", "--json", "--head", head).json
    assert (found["ok"], found["position"], found["problem"]) == (True, None, None)
    assert found["head"]["position"] == found["rows"] == int(head.split(":")[0])


def test_a_wrong_anchor_and_one_that_cannot_be_read_are_problems(andon: Andon, tmp_path: Path) -> None:
    position = andon("audit", "head").out.split(":")[0]
    assert andon("audit", "verify", "--head", f"{position}:{'0' * 64}").is_problem(f"row {position}", "anchored")
    assert andon("audit", "verify", "--head", "first:beef").is_problem("is no head", "POSITION:HASH")
    assert andon("audit", "verify", "--heads", str(tmp_path / "none")).is_problem("cannot be read")
    (tmp_path / "empty").write_text("nothing")
    assert andon("audit", "verify", "--heads", str(tmp_path / "empty")).is_problem("No head of the audit trail")


def test_what_was_altered_or_cut_off_is_named(andon: Andon, engine: Engine) -> None:
    attack(engine, "UPDATE audit SET actor = 'nobody' WHERE id = 2")
    assert andon("audit", "verify").is_problem("row 2 of the audit trail does not verify", "row 2 was altered")
    attack(engine, "DELETE FROM audit_heads", "DELETE FROM audit_seals", "DELETE FROM audit")
    # The heads in the data folder are outside of the database, and were kept all the while.
    assert andon("audit", "verify").is_problem("row 1 of the audit trail does not verify", "was anchored")


def test_entries_are_listed_by_subject_and_by_time(andon: Andon) -> None:
    everything = andon("audit", "show", "--json").json["items"]
    assert [one["id"] for one in everything] == sorted(one["id"] for one in everything)
    subject = everything[-1]["subject"]
    of_one = andon("audit", "show", "--json", "--subject", subject).json["items"]
    assert of_one == [one for one in everything if one["subject"] == subject]
    assert andon("audit", "show", "--json", "--subject", subject.split(":")[1]).json["items"] == of_one
    assert andon("audit", "show", "--json", "--from", "2999-01-01T00:00:00Z").json["items"] == []
    assert andon("audit", "show", "--json", "--to", "2999-01-01T00:00:00Z").json["items"] == everything
    said = andon("audit", "show", "--limit", "2")
    assert said.out.splitlines()[0].split() == ["row", "at", "actor", "action", "subject", "data"]
    assert "there may be more" in said.err


def test_the_key_that_is_printed_is_trusted_elsewhere(
    andon: Andon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    pem = tmp_path / "andon.pem"
    pem.write_text(andon("audit", "key").out)
    assert andon("audit", "key", "--json").json["id"] == andon("audit", "head", "--json").json["key_id"]
    (engine.app.settings.data / "signing-key").unlink()  # the database has come to another machine
    assert andon("audit", "verify").is_problem("is not known here", "ANDON_TRUSTED_KEYS")
    monkeypatch.setenv("ANDON_TRUSTED_KEYS", str(pem))
    assert andon("audit", "verify").code == 0


def test_doctor_says_who_signed_and_where_heads_go(
    andon: Andon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = {one["name"]: one for one in andon("doctor", "--json").json["checks"]}
    assert "signed up to position" in checks["audit"]["found"]
    assert "ANDON_AUDIT_ANCHORS" in checks["audit anchors"]["mend"]
    monkeypatch.setenv("ANDON_AUDIT_ANCHORS", f"file:{tmp_path}/heads,slack:C0123")
    checks = {one["name"]: one for one in andon("doctor", "--json").json["checks"]}
    assert checks[f"audit anchor file:{tmp_path}/heads"]["found"] == "nothing was sent yet"
    assert checks["audit anchor slack:C0123"]["ok"] is False
    monkeypatch.setenv("ANDON_AUDIT_ANCHORS", "ftp://elsewhere")
    assert andon("audit", "verify").is_problem("Entry 1 of ANDON_AUDIT_ANCHORS cannot be used")
