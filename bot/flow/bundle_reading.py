"""A bundle as records again: what was decided and judged, and all that it rested on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.domain.bundles import FILES, TAKEN_OUT
from bot.domain.decisions import Decision
from bot.domain.errors import BadInput
from bot.domain.gates import Evidence, GateResult, Signature
from bot.domain.incidents import Incident
from bot.domain.records import Approval
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.strict_json import parse_json
from bot.domain.times import parse_time
from bot.domain.walks import Walk
from bot.flow.bundle_lines import REDACTED

T = TypeVar("T")

Read = Callable[[str], bytes | None]
"""The content of a file of the payload by its path; None where there is no such file."""


@dataclass(frozen=True)
class Audited:
    """One row of the audit slice, as far as it is needed to judge again."""

    at: datetime
    action: str
    subject: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """Everything that judging again looks at."""

    read: Read
    subject: Mapping[str, Any]
    incidents: Sequence[Incident]
    decisions: Sequence[Decision]
    runs: Sequence[Run]
    approvals: Sequence[Approval]
    releases: Mapping[str, Release]
    walks: Mapping[str, Walk]
    results: Sequence[GateResult]
    evidence: Sequence[Evidence]
    signatures: Sequence[Signature]
    canaries: Mapping[str, Mapping[str, Any]]
    policies: Mapping[str, Mapping[str, Any]]
    """By digest, without the text."""
    audit: Sequence[Audited]
    marked: frozenset[str] = field(default_factory=frozenset)
    """Ids of records from which a secret was taken out."""

    def policy_text(self, digest: str) -> bytes | None:
        """The text of a version; None where it is not here."""
        return self.read(f"policies/{digest}.yaml")

    def content(self, sha256: str) -> bytes | None:
        """A kept file; None where it is not here, or not whole."""
        return self.read(f"{FILES}/{sha256}")

    def is_cut(self, sha256: str) -> bool:
        """Whether a secret was taken out of a kept file."""
        return self.read(f"{FILES}/{sha256}{TAKEN_OUT}") is not None


def told(read: Read) -> Told:
    """The records of a bundle. BadInput where one is none: it was not written by Andon, or by a later version."""
    marked: set[str] = set()

    def each(name: str) -> Iterator[dict[str, Any]]:
        for line in (read(f"{name}.jsonl") or b"").splitlines():
            found = _parsed(name, line)
            if found.get(REDACTED) is True:
                marked.add(str(found.get("id", "")))
            yield found

    def records(name: str, kind: type[T]) -> list[T]:
        return [_record(name, kind, one) for one in each(name)]

    return Told(
        read=read,
        subject=_parsed("subject", read("subject.json") or b"{}"),
        incidents=records("incidents", Incident),
        decisions=records("decisions", Decision),
        runs=records("runs", Run),
        approvals=records("approvals", Approval),
        releases={one.id: one for one in records("releases", Release)},
        walks={one.release_id: one for one in records("walks", Walk)},
        results=records("gate_results", GateResult),
        evidence=list(reversed(records("evidence", Evidence))),
        signatures=records("signatures", Signature),
        canaries={str(one.get("release_id")): one for one in each("canaries")},
        policies={str(one.get("digest")): one for one in each("policies")},
        audit=[_audited(one) for one in each("audit")],
        marked=frozenset(marked),
    )


def _parsed(name: str, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"{name} of the bundle cannot be read", why="a line of it is no JSON object")
    return found


_ADAPTERS: Mapping[type, TypeAdapter[Any]] = {
    one: TypeAdapter(one) for one in (Approval, Decision, Evidence, GateResult, Incident, Release, Run, Signature, Walk)
}


def _record(name: str, kind: type[T], found: Mapping[str, Any]) -> T:
    try:
        made: T = _ADAPTERS[kind].validate_python({key: one for key, one in found.items() if key != REDACTED})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{name} of the bundle cannot be read", why=f"{where}: {first['msg']}"[:300]) from None
    return made


def _audited(found: Mapping[str, Any]) -> Audited:
    """Out of the words that the digest is made of, not out of what stands beside them for readers."""
    try:
        _, at, _, action, subject, data = found["row"]
        return Audited(parse_time(at), str(action), str(subject), parse_json(data.encode()))
    except (KeyError, ValueError, TypeError, AttributeError, BadInput):
        raise BadInput("audit of the bundle cannot be read", why="a row of it is none") from None
