"""Judges one gate as the walk of a release would: evidence in memory, real conditions, and the verdict made twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from bot.adapters.conditions import compile_condition
from bot.domain.errors import AndonError, Refused
from bot.domain.gates import Evidence, Judgement, Signature
from bot.gate_plugins import EvidencePiece, Gate, GateContext, Measured
from bot.gates import load_gates
from bot.plugins import Call, ProcessResult, Reply

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GATES = load_gates()


@dataclass
class KeptFiles:
    """Reviewed files in memory."""

    files: Mapping[tuple[str, str], bytes] = field(default_factory=dict)

    def read(self, folder: str, name: str) -> bytes:
        """The content; refused where there is none."""
        if (folder, name) not in self.files:
            raise Refused(f"There is no file {folder}/{name}")
        return self.files[folder, name]


@dataclass
class OneAnswer:
    """Answers every call alike, and remembers what was asked."""

    reply: Reply = field(default_factory=lambda: Reply(None, error="nobody answers", was_sent=False))
    calls: list[Call] = field(default_factory=list)

    def request(self, call: Call) -> Reply:
        """The answer."""
        self.calls.append(call)
        return self.reply


class NoScripts:
    """Has no script."""

    def run_script(
        self, name: str, args: Sequence[str], *, timeout: timedelta, env: Mapping[str, str]
    ) -> ProcessResult:
        """Refused, always."""
        raise Refused(f"There is no script {name}")


@dataclass
class Bench:
    """What a release has so far; `judge` judges one gate over it."""

    manifest: dict[str, Any] = field(default_factory=dict)
    release: dict[str, Any] = field(
        default_factory=lambda: {"id": "rel-1", "incumbent": "41", "candidate": "42", "status": "in_flight"}
    )
    canary: Mapping[str, Any] | None = None
    drills: list[dict[str, Any]] = field(default_factory=list)
    roles: dict[str, set[str]] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    http: OneAnswer = field(default_factory=OneAnswer)
    pieces: list[EvidencePiece] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)

    def push(self, name: str, content: Any, *, media: str = "", about: str = "candidate", version: str = "") -> Bench:
        """Push a document (any JSON value), rows (with a media type) or bytes; the newest first, as gates see it."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        record = Evidence(
            id=f"ev-{len(self.pieces) + 1}",
            service="fraud",
            release_id="rel-1",
            name=name,
            media=media or "application/json",
            sha256=sha256(raw).hexdigest(),
            size=len(raw),
            at=NOW,
            by="pipeline",
            about=about,
            version=version,
        )
        self.pieces.insert(0, EvidencePiece(record, raw))
        return self

    def sign(self, subject: str, by: str) -> Bench:
        """Sign something."""
        self.signatures.append(Signature(f"sig-{len(self.signatures) + 1}", "rel-1", subject, by, NOW))
        return self

    def context(self) -> GateContext:
        """What a gate is given."""
        return GateContext(
            service="fraud",
            environment="production",
            stage="evaluation",
            now=NOW,
            release=self.release,
            manifest=self.manifest,
            target={},
            http=self.http,
            processes=NoScripts(),
            files=KeptFiles(self.files),
            compile=compile_condition,
            evidence=lambda name: [one for one in self.pieces if name in (None, one.record.name)],
            signatures=self.signatures,
            holds_role=lambda person, role: person in self.roles.get(role, set()),
            same_person=lambda one, other: self.persons.get(one, one) == self.persons.get(other, other),
            canary=self.canary,
            drills=self.drills,
        )

    def measure(self, use: str, **params: Any) -> tuple[Gate, Any, Measured]:
        """The gate, its parameters, and what it measured."""
        gate = GATES[use]
        given = gate.Params.model_validate(params)
        try:
            return gate, given, gate.collect(given, self.context())
        except AndonError as error:
            return gate, given, Measured(problem=str(error))

    def judge(self, use: str, **params: Any) -> Judgement:
        """The verdict. It is made again out of what a record would keep, and must be the same."""
        gate, given, measured = self.measure(use, **params)
        if measured.problem:
            return Judgement.unknown(measured.problem)
        judged = gate.judge(given, measured, compile_condition)
        kept = Measured(json.loads(json.dumps(dict(measured.facts), allow_nan=False)), measured.query)
        assert gate.judge(gate.Params.model_validate(params), kept, compile_condition) == judged
        json.dumps([one.as_json() for one in judged.figures] + [dict(judged.details)], allow_nan=False)
        return judged


def ndjson(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows, one a line."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


ROWS = "application/x-ndjson"
