"""Canaries in every place where a secret may stand: none of them is found in what is kept, told or logged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.alert_bodies import firing
from support.engine import Engine, running_engine
from support.written_config import acting, playbook, write_config

CANARY = "canary-4f1d-of-the-deployer"
OTHER = "canary-77aa-of-the-environment"

WITH_SECRETS = playbook(
    "with_secrets",
    acting(
        "repeat",
        **{
            "with": {
                "method": "POST",
                "url": "{{ target.ledger }}/effects/{{ service }}",
                "headers": {"Authorization": "Bearer {{ secret('DEPLOYER_TOKEN') }}"},
                "json": {"password": "{{ secret('OTHER_TOKEN') }}"},
            }
        },
    ),
    {
        "id": "echo",
        "use": "http_request",
        # The ledger answers with the bodies that it was sent: a deployer that gives a secret away.
        "with": {"url": "{{ target.ledger }}/effects/{{ service }}", "expect": {"condition": "body.count == 7"}},
    },
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    config = write_config(folder / "config", [], secrets={"DEPLOYER_TOKEN": CANARY})
    assert (config / "secrets.env").exists()
    with running_engine(folder, ANDON_SECRET_OTHER_TOKEN=OTHER) as engine:
        yield engine


def test_no_secret_of_a_playbook_is_kept_told_or_logged(
    engine: Engine, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine.protect("guarded", WITH_SECRETS, playbook="with_secrets")
    receipt = engine.alert(firing("guarded"))
    run = engine.work_until(receipt.runs[0], "needs_human")
    engine.work()
    [effect] = engine.ledger.effects("guarded")
    assert effect["body"] == {"password": OTHER}, "the step itself must have had the secret"

    assert engine.step(run["id"], "echo")["status"] == "failed"
    kept = json.dumps([run, engine.incident(receipt.incidents[0]), engine.audit()], default=str)
    assert "count == 7" in kept
    with sqlite3.connect(folder / "var" / "andon.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    logged = "".join(capfd.readouterr())
    for canary in (CANARY, OTHER):
        for place, text in (("what is shown", kept), ("the database", dump), ("the log", logged)):
            assert canary not in text, f"{canary} is in {place}"
    assert run["id"] in dump


def test_the_secrets_of_andon_itself_are_not_in_the_database(engine: Engine, folder: Path) -> None:
    tokens = [
        (folder / "var" / name).read_text().strip().rsplit(":", 1)[-1] for name in ("api-tokens", "webhook-token")
    ]
    with sqlite3.connect(folder / "var" / "andon.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert all(len(token) > 20 and token not in dump for token in tokens)
