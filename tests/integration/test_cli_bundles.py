"""Bundles on the command line and over HTTP: the same bytes, checked offline by the public key alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.alert_bodies import firing
from support.cli import TOKENS, Andon, andon_by
from support.engine import Engine, running_engine
from support.installation import SECRETS
from support.web_server import running

from bot.adapters.bundles.verifying import verify_bundle
from bot.adapters.signing import SigningKey, open_signing_key

VERIFY = "import sys; from bot.cli.entry import run; sys.exit(run(sys.argv[1:]))"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("cli"), ANDON_API_TOKENS=TOKENS) as engine:
        yield engine


@pytest.fixture
def andon(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    return andon_by(engine, monkeypatch, capfd)


@pytest.fixture(scope="module")
def incident(engine: Engine) -> str:
    engine.protect("exported")
    receipt = engine.alert(firing("exported"))
    engine.work_until(receipt.runs[0], "succeeded")
    return receipt.incidents[0]


@pytest.fixture(scope="module")
def key(engine: Engine) -> SigningKey:
    return open_signing_key(engine.app.settings.data, None)


def test_a_bundle_is_written_whole_or_not_at_all(andon: Andon, incident: str, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    said = andon("incident", "export", incident, "--output", str(path))
    assert said.code == 0
    assert f"`andon bundle verify {path}` checks it" in said.out
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in tmp_path.iterdir()] == ["out.zip"]
    missing = andon("incident", "export", "inc-nobody", "--output", str(tmp_path / "none.zip"))
    assert missing.is_problem("No incident 'inc-nobody'")
    assert andon("incident", "export", incident, "--output", str(tmp_path / "no" / "folder.zip")).code == 1
    assert andon("release", "export", "rel-nobody", "--output", str(tmp_path / "none.zip")).is_problem("No release")
    assert [one.name for one in tmp_path.iterdir()] == ["out.zip"]


def test_without_a_name_it_is_called_after_its_incident(
    andon: Andon, incident: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = andon("incident", "export", incident, "--json")
    assert said.json["file"] == f"andon-incident-{incident}.zip"
    assert (tmp_path / said.json["file"]).stat().st_size == said.json["bytes"]


def test_http_gives_the_very_bytes_of_the_command_line(
    engine: Engine, andon: Andon, incident: str, tmp_path: Path
) -> None:
    path = tmp_path / "cli.zip"
    assert andon("incident", "export", incident, "--output", str(path), by=None).code == 0
    with running(engine.app) as web:
        answer = web.client(SECRETS["olga"]).get(f"/api/v1/incidents/{incident}/bundle")
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"] == f'attachment; filename="andon-incident-{incident}.zip"'
        assert answer.content == path.read_bytes()
        assert web.client().get(f"/api/v1/incidents/{incident}/bundle").status_code == 401
        assert web.client(SECRETS["olga"]).get("/api/v1/incidents/inc-nobody/bundle").status_code == 404
        assert web.client(SECRETS["olga"]).get("/api/v1/releases/rel-nobody/bundle").status_code == 404
    exports = [data for action, subject, data in engine.audit() if action == "bundle.exported"]
    assert exports[-1] == {"bytes": len(answer.content)}


def test_verify_works_offline_with_nothing_but_the_file_and_the_key(
    andon: Andon, incident: str, tmp_path: Path, key: SigningKey, checkout: Path
) -> None:
    """A process of its own, with no setting, no database and no configuration."""
    path, pem = tmp_path / "b.zip", tmp_path / "key.pem"
    andon("incident", "export", incident, "--output", str(path))
    shown = andon("key", "show")
    pem.write_text(shown.out)
    assert f"# id {key.id}" in shown.out
    words = ["bundle", "verify", str(path), "--key", str(pem), "--json"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, "-c", VERIFY, *words], cwd=tmp_path, env=env, capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    assert (found["ok"], found["trusted"], found["id"], found["key"]) == (True, True, incident, key.id)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b.zip", "key.pem"], "verifying makes nothing"


def test_verify_names_what_was_altered_and_who_is_trusted_can_be_said_in_the_environment(
    andon: Andon, incident: str, tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.zip"
    andon("incident", "export", incident, "--output", str(path))
    good = path.read_bytes()
    said = andon("bundle", "verify", str(path))
    assert (said.code, said.err) == (0, "")
    assert f"incident {incident} of exported" in said.out
    path.write_bytes(good.replace(b'"status":"monitoring"', b'"status":"resolved!!"', 1))
    said = andon("bundle", "verify", str(path))
    assert said.code == 1
    assert "data/incidents.jsonl: it was altered" in said.err
    path.write_bytes(good)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert andon("bundle", "verify", str(path), "--data", str(elsewhere)).code == 3
    (tmp_path / "key.pem").write_text(key.public_pem)
    monkeypatch.setenv("ANDON_TRUSTED_KEYS", str(tmp_path / "key.pem"))
    assert andon("bundle", "verify", str(path), "--data", str(elsewhere)).code == 0
    monkeypatch.setenv("ANDON_TRUSTED_KEYS", str(tmp_path / "none.pem"))
    assert andon("bundle", "verify", str(path), "--data", str(elsewhere)).is_problem("none.pem")


def test_a_look_into_a_bundle_lists_its_files_and_its_signer(
    andon: Andon, incident: str, tmp_path: Path, key: SigningKey
) -> None:
    path = tmp_path / "b.zip"
    andon("incident", "export", incident, "--output", str(path))
    said = andon("bundle", "show", str(path))
    assert said.code == 0
    assert f"signed by {key.id} (trusted here)" in said.out
    assert "data/timeline.jsonl" in said.out
    contents = andon("bundle", "show", str(path), "--json").json["contents"]
    assert {"README.md", "data/runs.jsonl", "envelope.dsse.json"} <= set(contents)
    path.write_bytes(b"no bundle")
    assert andon("bundle", "show", str(path)).code == 1
    assert andon("bundle", "verify", str(tmp_path / "gone.zip")).is_problem("cannot be read")
    assert andon("bundle", "verify", str(path), "--key", str(path)).is_problem("cannot be used as a key")


def test_a_bundle_goes_to_standard_output_as_it_is(
    engine: Engine, andon: Andon, incident: str, tmp_path: Path, checkout: Path
) -> None:
    path = tmp_path / "b.zip"
    andon("incident", "export", incident, "--output", str(path))
    settings = engine.app.settings
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(checkout),
        "ANDON_DATA": str(settings.data),
        "ANDON_CONFIG": str(engine.config),
        "ANDON_API_TOKENS": TOKENS,
    }
    words = ["incident", "export", incident, "--output", "-"]
    done = subprocess.run(
        [sys.executable, "-c", VERIFY, *words], cwd=tmp_path, env=env, capture_output=True, check=True
    )
    assert done.stdout == path.read_bytes()


def test_the_page_of_an_incident_links_to_its_bundle_and_the_session_opens_it(
    engine: Engine, incident: str, tmp_path: Path
) -> None:
    with running(engine.app) as web:
        client = web.client()
        assert client.post("/login", data={"token": SECRETS["olga"], "next": "/"}).status_code == 303
        link = f"/api/v1/incidents/{incident}/bundle"
        assert f'<a href="{link}" download>signed bundle</a>' in client.get(f"/incidents/{incident}").text
        (tmp_path / "page.zip").write_bytes(client.get(link).content)
    key = open_signing_key(engine.app.settings.data, None)
    assert verify_bundle(tmp_path / "page.zip", [key.public_pem]).problems == []
