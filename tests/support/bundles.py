"""Incidents and releases worth a bundle, on an engine over either database, and bundles written to files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.bundles import bags
from bot.adapters.signing import SigningKey, open_signing_key
from bot.domain.bundles import BundleKind, Draft, Label, Piece
from bot.domain.events import Word
from bot.flow.evidence_desk import Pushed
from support.alert_bodies import firing
from support.driven_engine import Build, DrivenEngine, fresh_name
from support.engine import ACTORS
from support.ledger import Ledger
from support.written_config import BY_KEY, acting, playbook, policy, write_config

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
ROLES = {"champion": ["olga"], "rollback_authority": ["olga", "otto"], "endorser": ["otto"]}
F1 = {"use": "metric", "metric": "f1", "at_least": 0.9}
READY = {"use": "checklist", "items": [{"name": "runbook", "role": "champion"}]}
STAGES = [
    {"name": "evaluation", "gates": [F1]},
    {"name": "staging", "gates": [READY]},
    {"name": "production", "do": "shift_it"},
]
SCHEMA = {"fields": [{"name": "amount", "type": "number", "nullable": False}]}
MANIFEST = {
    "objective": "catch more fraud",
    "artifacts": {"model": "sha256:" + "a" * 64},
    "data_schema": SCHEMA,
    "feature_steps": ["fill", "scale"],
    "environment_lock": "numpy==2.2.0",
}


def bundling(build: Build, ledger: Ledger, **values: str) -> DrivenEngine:
    """An engine on which production has one port: a replay barred from it may reach another ledger."""
    unrelated = policy("unrelated", ledger.url)
    unrelated["targets"]["production"]["allow_hosts"] = [ledger.host]
    return build(policies=[unrelated], **values)


def rolled_back(
    engine: DrivenEngine,
    *,
    also: Callable[[str], object] | None = None,
    staging: str = "http://127.0.0.1:9",
    **more: Any,
) -> str:
    """An incident whose rollback ran to its end, with what people say about it; its id. `staging`: a ledger there."""
    service = fresh_name("bundled")
    targets = {"production": _target(engine.ledger.url), "staging": _target(staging)}
    engine.protect(service, BY_KEY, targets=targets, **more)
    receipt = engine.alert(firing(service))
    engine.drive(receipt.runs[0])
    incident = receipt.incidents[0]
    engine.order(Word.DECIDE, incident, text="we stay on 41", reason="")
    engine.order(Word.ACTION, incident, text="write the test", owner="olga", reason="")
    engine.order(Word.REPORT, incident, fields={"broken": "scores of large amounts"}, reason="")
    engine.alert(firing(service, "Latency", fingerprint=f"{service}-later"))
    if also is not None:
        also(service)
    engine.work()
    return incident


def _target(url: str) -> dict[str, Any]:
    return {"ledger": url, "allow_hosts": [url.removeprefix("http://")]}


def released(engine: DrivenEngine, f1: float = 0.95, **more: Any) -> str:
    """A release that was judged by its evidence and went through as many stages as it may; its id."""
    service = fresh_name("released")
    targets = {"production": _target(engine.ledger.url)}
    tree = engine.protect(service, SHIFT, roles=ROLES, baseline="41", stages=STAGES, targets=targets, **more)
    tree.pop("release")
    write_config(engine.config, [tree], ())
    engine.app.configuration.reload()
    receipt = engine.order(Word.RELEASE_START, service, candidate="42", incumbent="41", manifest=MANIFEST)
    assert not receipt.refused, receipt.message
    release = receipt.records[0]
    engine.work()
    content = {"metrics": {"f1": {"value": f1, "n": 2000, "low": f1 - 0.01, "high": f1 + 0.01}}}
    pushed = Pushed(release, "evaluation", "application/json", json.dumps(content).encode())
    engine.app.evidence.keep(pushed, ACTORS["olga"])
    engine.work()
    engine.order(Word.PROMOTE, release)
    engine.work()
    engine.order(Word.SIGN, release, item="runbook")
    for _ in ("staging", "production"):
        engine.order(Word.PROMOTE, release)
        engine.work()
    return release


def exported(engine: DrivenEngine, kind: str, subject: str) -> bytes:
    """The bundle as it comes out of the program."""
    out = io.BytesIO()
    engine.app.bundles.export(BundleKind(kind), subject, ACTORS["vera"], out)
    return out.getvalue()


def key_of(engine: DrivenEngine) -> SigningKey:
    """The key that this engine signs with."""
    return open_signing_key(engine.settings.data, None)


def unpacked(content: bytes, folder: Path) -> Path:
    """The one folder of a bundle, unpacked by the standard library."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    (found,) = folder.iterdir()
    return found


def files_of(content: bytes) -> dict[str, bytes]:
    """The payload of a bundle by its path, as the standard library reads it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name.partition("/data/")[2]: archive.read(name) for name in archive.namelist() if "/data/" in name}


def lines_of(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    """The records of one file; none where there is no such file."""
    return [json.loads(line) for line in files.get(f"{name}.jsonl", b"").splitlines()]


@dataclass(frozen=True)
class Forger:
    """Writes bundles with whatever it likes in them, signed with a key of its own or a stolen one."""

    key: SigningKey

    def write(self, label: Label, files: dict[str, bytes]) -> bytes:
        """A bundle of these files that fits in itself."""
        out = io.BytesIO()
        pieces = [Piece(path, (files[path],)) for path in sorted(files)]
        bags.write_bundle(Draft(label, pieces), self.key, out)
        return out.getvalue()


def label_of(content: bytes) -> Label:
    """Which bundle it is."""
    found = json.loads(files_of(content)["subject.json"])
    return Label(BundleKind(found["kind"]), found["id"], found["service"])
