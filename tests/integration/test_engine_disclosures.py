"""Secrets on their way through a run: used where a playbook says so, and in no record, notice or line of the log."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from support.alert_bodies import firing
from support.driven_engine import DrivenEngine, builder
from support.ledger import running_ledger
from support.raw_server import raw_server
from support.written_config import Tree, playbook

from bot.domain.events import Word
from bot.domain.runs import RunStatus

CANARY = "canary+7f/ä&31==end"
FORMS = {
    CANARY,
    quote(CANARY),
    quote(CANARY, safe=""),
    quote_plus(CANARY),
    json.dumps(CANARY)[1:-1],
    base64.b64encode(CANARY.encode()).decode(),
    base64.urlsafe_b64encode(CANARY.encode()).decode(),
    # As basic authentication sends it, behind a name; the last characters depend on what follows.
    base64.b64encode(f"deployer:{CANARY}".encode()).decode()[-20:-4],
}
SECRET = "{{ secret('DEPLOYER_TOKEN') }}"


def echo(connection: socket.socket) -> None:
    """Give back all that was sent, in every way that a careless deployer might."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += connection.recv(65536)
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    seen = (head + b"\n\n" + body).decode("utf-8", "replace")
    forms = [CANARY, quote(CANARY), quote_plus(CANARY), base64.b64encode(f"deployer:{CANARY}".encode()).decode()]
    answer = json.dumps({"seen": seen, CANARY: "as a key", "forms": forms}, ensure_ascii=b"ascii" in head).encode()
    status = b"422 No" if b"/fails" in head.split(b"\r\n")[0] else b"200 OK"
    lines = [b"HTTP/1.1 " + status, b"Content-Type: application/json", b"Connection: close"]
    lines += [b"X-Seen: " + quote(CANARY).encode(), b"Content-Length: %d" % len(answer), b"", answer]
    connection.sendall(b"\r\n".join(lines))


def call(step: str, path: str, **more: object) -> Tree:
    """A step that uses the secret in every part of a call that may hold one."""
    return {
        "id": step,
        "use": "http_request",
        "with": {
            "method": "POST",
            "url": "{{ target.echo }}" + path,
            "headers": {"Authorization": f"Bearer {SECRET}", "X-Key": "{{ secret('DEPLOYER_TOKEN') | urlencode }}"},
            "json": {"password": SECRET, "deep": [{SECRET: SECRET}] if more.pop("deep", False) else []},
        },
        **more,
    }


CARELESS = playbook(
    "careless",
    call("utf8", "/utf8"),
    call("ascii", "/ascii"),
    {"id": "freeze", "use": "freeze_release", "with": {"reason": f"because of {SECRET}"}},
    {"id": "tell", "use": "post_notice", "with": {"notice": "message", "text": f"the word is {SECRET}"}},
    {"id": "ask", "use": "ask_approval", "with": {"role": "endorser", "question": f"Is it {SECRET}?"}},
    call("fails", "/fails"),
)


@pytest.mark.parametrize("kept_in", ["environment", "file"])
def test_a_secret_is_sent_and_stands_nowhere_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kept_in: str
) -> None:
    secrets = {"DEPLOYER_TOKEN": CANARY} if kept_in == "file" else None
    values = {"ANDON_SECRET_DEPLOYER_TOKEN": CANARY} if kept_in == "environment" else {}
    with running_ledger(tmp_path) as ledger, builder(tmp_path, ledger) as build, raw_server(echo) as port:
        engine = build(CARELESS, secrets=secrets, **values)
        target = {"echo": f"http://127.0.0.1:{port}", "allow_hosts": ["127.0.0.1"]}
        engine.protect("careless", playbook="careless", targets={"production": target})
        receipt = engine.alert(firing("careless"))
        asked = engine.drive(receipt.runs[0])
        assert asked.status is RunStatus.WAITING
        assert "***" in json.dumps(engine.run(asked.id)["approvals"])
        engine.order(Word.APPROVE, asked.id, by="olga")
        run = engine.drive(asked.id)
        assert (run.status, [str(step.status) for step in run.steps][-1]) == (RunStatus.NEEDS_HUMAN, "failed")
        assert "Bearer ***" in json.dumps(dict(run.step("utf8").output)), "the target was sent something else"
        told = send_all(engine)
        shown = json.dumps([engine.run(run.id), engine.incident(receipt.incidents[0]), engine.audit()], default=str)
        shown += json.dumps(engine.service("careless")) + repr(run)
    files = b"".join(path.read_bytes() for path in tmp_path.glob("andon.db*")).decode("utf-8", "replace")
    files += b"".join(path.read_bytes() for path in (tmp_path / "var").rglob("*") if path.is_file()).decode("latin-1")
    logged = "".join(capfd.readouterr())
    assert run.id in files
    for form in FORMS:
        for place, text in (("notices", told), ("what is shown", shown), ("files", files), ("the log", logged)):
            assert form not in text, f"{form!r} stands in {place}"


@pytest.mark.parametrize("before", [180, 186, 192])
def test_a_secret_that_is_cut_in_two_is_no_half_secret_in_an_excerpt(tmp_path: Path, before: int) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        body = ("x" * before + CANARY).encode()
        connection.sendall(b"HTTP/1.1 422 No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    with running_ledger(tmp_path) as ledger, builder(tmp_path, ledger) as build, raw_server(talk) as port:
        engine = build(playbook("cuts", call("cut", "/")), secrets={"DEPLOYER_TOKEN": CANARY})
        target = {"echo": f"http://127.0.0.1:{port}", "allow_hosts": ["127.0.0.1"]}
        engine.protect("cuts", playbook="cuts", targets={"production": target})
        run = engine.drive(engine.alert(firing("cuts")).runs[0])
    assert "422" in run.error
    assert "cana" not in repr(run)


def send_all(engine: DrivenEngine) -> str:
    """The words of every notice that was due."""
    with engine.app.store.read() as tx:
        due = tx.due_notices(limit=100)
    for notice in due:
        engine.app.notices.send(notice)
    with engine.app.store.read() as tx:
        sent = tx.notices(limit=100)
    assert all(notice.body for notice in sent)
    return "\n".join(f"{notice.subject}\n{notice.body}\n{notice.facts}" for notice in sent)
